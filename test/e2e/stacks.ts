/**
 * The stacks of the end-to-end tests: files that run side by side have one each, as if each file ran alone. So a test
 * may pause its fleet, or count all that lies in its queues, whatever the others do.
 */
import { inject } from 'vitest';
import type { LocalInfo } from '../../local/local-info.ts';

export interface TestStack {
  readonly info: LocalInfo;
  /** Zero where the emulator is not ours. */
  readonly emulatorPid: number;
  /** Where its logs are. */
  readonly folder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    stacks: readonly TestStack[];
  }
}

/** The stack of this file: workers are numbered from 1, and those that work at the same time differ. */
export function ownStack(): TestStack {
  const worker = Number(process.env['VITEST_POOL_ID']);
  return inject('stacks')[worker - 1] ?? failed(`no stack for worker ${worker}`);
}

function failed(why: string): never {
  throw new Error(why);
}
