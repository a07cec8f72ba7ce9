import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'bad-inputs.md'), 'utf8');
const tests = globSync('test/{e2e,lambdas}/**/*.test.ts', { cwd: root })
  .filter((file) => !file.endsWith('bad-input-rows.test.ts'))
  .map((file) => readFileSync(path.join(root, file), 'utf8'));

/** The numbers in "row 47", "rows 50 to 61", "row 33 and 43". */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/\brows? (\d+)(?:( to| and) (\d+))?/g)].flatMap(([, first, how, last]) => {
    const from = Number(first);
    const to = Number(last ?? first);
    return how === ' and' ? [from, to] : Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

it('each row of the page of bad inputs has a test that names it', () => {
  const rows = [...page.matchAll(/^\| (\d+) +\|/gm)].map(([, number]) => Number(number));
  expect(rows).toEqual(Array.from({ length: 90 }, (_, at) => at + 1));
  // Comments and headings name whole ranges: only names of tests count.
  const names = tests.flatMap((text) => [...text.matchAll(/(['"`])((?:row|.*\brow)s? \d.*)\1/g)]);
  const tested = new Set(names.flatMap(([, , name = '']) => numbersIn(name)));
  expect(rows.filter((row) => !tested.has(row))).toEqual([]);
});
