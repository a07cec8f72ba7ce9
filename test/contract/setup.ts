/** Tells the tests of the emulator that test/contract/main.ts has started. */
import type { TestProject } from 'vitest/node';
import type { ContractEndpoints } from './provided.ts';

export const endpointsVariable = 'DEFIB_CONTRACT';

export default function setup(project: TestProject): void {
  const told = process.env[endpointsVariable];
  if (told === undefined) throw new Error('Run this by: npm run test:contract -- --emulator NAME');
  project.provide('contract', JSON.parse(told) as ContractEndpoints);
}
