/** The list of invariants is whole, and says what is so. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

import { packageRoot } from '../../lib/package-root.ts';
import { catalogue } from './bugs/catalogue.ts';
import { heldByOracles, heldByTests, invariantNames } from './invariants.ts';

const read = (file: string): string => readFileSync(path.join(packageRoot(), file), 'utf8');

it('each invariant - is held by an oracle, or by a test that names it, and by one of the two only', () => {
  const names = [...Object.keys(heldByOracles), ...Object.keys(heldByTests)];
  expect(names.sort()).toEqual([...invariantNames].sort());
});

it.each(Object.entries(heldByOracles))('%s - each of its oracles speaks of it', (name, { by }) => {
  for (const oracle of by) expect(read(`test/simulator/oracles/${oracle}.ts`)).toContain(`'${name}'`);
});

it.each(Object.keys(heldByOracles))('%s - a seeded bug is found by it', (name) => {
  expect(catalogue.filter(({ breaks }) => breaks.includes(name)).length).toBeGreaterThan(0);
});

it.each(Object.entries(heldByTests))('%s - each of its tests names it', (name, { by }) => {
  for (const file of by) expect(read(file)).toMatch(new RegExp(`\\b${name}\\b`));
});
