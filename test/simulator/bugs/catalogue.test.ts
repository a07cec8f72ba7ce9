/** Whether each seeded bug still can be planted: code that has moved on makes the catalogue red, not silently void. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../../lib/package-root.ts';
import { edited, editsOf } from './bug.ts';
import { catalogue } from './catalogue.ts';

test('there are at least forty bugs, each with a name of its own', () => {
  const names = catalogue.map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(catalogue)('$name', (bug) => {
  test.each(editsOf(bug))('has exactly one place in $file, and leaves code that can be read', (edit) => {
    const source = readFileSync(path.join(packageRoot(), edit.file), 'utf8');
    const broken = edited(source, edit);
    expect(broken).not.toBe(source);
    expect(() => stripTypeScriptTypes(broken)).not.toThrow();
  });
});

test('an edit whose text is not there, or there twice, is refused', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };
  expect(edited('one, three', edit)).toBe('two, three');
  expect(() => edited('three', edit)).toThrow('a.ts has 0 places like: one');
  expect(() => edited('one, one', edit)).toThrow('a.ts has 2 places like: one');
});
