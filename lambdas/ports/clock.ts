/** Time, as a function has it. */

export interface Clock {
  /** The function's own clock, epoch ms. It may be wrong after a thaw: never judge by it alone. */
  nowMs(): number;
  /** Resolves after that long; only ever awaited within one invocation. */
  sleep(ms: number): Promise<void>;
  /** Does `work` again and again until stopped; what it throws is logged. */
  every(intervalMs: number, work: () => Promise<void>): { stop(): void };
}
