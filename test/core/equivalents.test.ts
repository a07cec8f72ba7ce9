/** Mutants that are switched off are listed where people look for them, each with its reason: none slips by. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';

const root = packageRoot();
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** `file | mutators | reason`, from the comments of the core and from the table of the page. */
function switchedOff(): string[] {
  return globSync('core/**/*.ts', { cwd: root }).flatMap((file) =>
    [...read(file).matchAll(/Stryker (.*)/g)].map(([, comment = '']) => {
      const [, mutators = comment, reason = 'no reason'] =
        /^disable next-line ([\w,]+): (.+)$/.exec(comment) ?? [];
      return `${file} | ${mutators} | ${reason}`;
    }),
  );
}

function listed(): string[] {
  const rows = read('docs/mutation.md').matchAll(/^\| `(core\/.+?)` +\| `(.+?)` +\| (.+?) +\|$/gm);
  return [...rows].map(([, file, mutators, reason]) => `${file} | ${mutators} | ${reason}`);
}

it('each mutant of the core that is switched off - has a reason, and is listed with it in docs/mutation.md', () => {
  expect(listed().sort()).toEqual(switchedOff().sort());
});
