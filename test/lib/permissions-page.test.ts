import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { permissionsFile, permissionsPage } from '../../scripts/permissions.ts';

test('a permission has changed - the page says so (`node scripts/permissions.ts` writes it)', async () => {
  expect(readFileSync(permissionsFile, 'utf8')).toBe(await permissionsPage());
});

test('the page has a section for each function and each part of the callers', async () => {
  const holders = (await permissionsPage()).match(/(?<=^### )\S+$/gm) ?? [];
  const roles = holders.slice(0, functionNames.length + 3);
  expect(roles.filter((it) => it.startsWith('callers/'))).toEqual([
    'callers/agent',
    'callers/operator',
    'callers/proxy',
  ]);
  expect(roles.filter((it) => /^[A-Z]\w+\/[A-Z]\w+$/.test(it))).toHaveLength(functionNames.length);
});
