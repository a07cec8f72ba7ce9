/** A local stack for each worker of the end-to-end tests, with windows short enough to wait for. */
import type { TestProject } from 'vitest/node';
import { startStacks } from './start-stacks.ts';

/** What the tests wait for, in seconds. */
export const shortWindows = {
  settleSeconds: 5,
  freshSeconds: 5,
  skewSeconds: 1,
  deliverTimeoutSeconds: 5,
  brakeMinimum: 1000,
  maxRestartShare: 1,
} as const;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { config, vitest } = project;
  const count = Math.min(config.maxWorkers, vitest.state.getPaths().length);
  const names = Array.from({ length: count }, (_, index) => `e2e-${index + 1}`);
  const { stacks, stop } = await startStacks(names, shortWindows);
  project.provide('stacks', stacks);
  return stop;
}
