/** One local stack for all end-to-end tests, with windows short enough to wait for. */
import type { TestProject } from 'vitest/node';
import type { LocalInfo } from '../../local/local-info.ts';
import { startLocalStack } from '../../local/local-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    local: LocalInfo;
    /** Zero where the emulator is not ours. */
    emulatorPid: number;
  }
}

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
  const stack = await startLocalStack({
    settings: shortWindows,
    folder: '.defib/e2e',
    onProgress: (line) => process.stderr.write(`e2e: ${line}\n`),
  });
  project.provide('local', stack.info);
  project.provide('emulatorPid', stack.emulatorPid ?? 0);
  return () => stack.stop();
}
