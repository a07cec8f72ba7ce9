/** A local stack for the brake's story: the brake is at work, and closes by itself only when nobody waits for it. */
import type { TestProject } from 'vitest/node';
import { shortWindows } from '../e2e/setup.ts';
import { startStacks } from '../e2e/start-stacks.ts';

/** A quarter of forty workspaces may restart at once: the stages of the ramp are 1, 2, 4, 8, then the cap of 10. */
const settings = { ...shortWindows, brakeMinimum: 2, maxRestartShare: 0.25, brakeWindowSeconds: 600 };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stacks, stop } = await startStacks(['e2e-brake'], settings);
  // Whichever worker it falls to.
  project.provide('stacks', Array.from({ length: project.config.maxWorkers }, () => stacks).flat());
  return stop;
}
