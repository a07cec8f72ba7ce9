/** How long the first waiting request takes from the beat that makes its workspace ready to the agent. */
import type { ReadyBy } from './agent.ts';
import type { Arrival } from './records.ts';

export interface Delay {
  readonly after: ReadyBy;
  readonly ms: number;
}

export class Readiness {
  readonly delays: Delay[] = [];
  readonly #open = new Map<string, { after: ReadyBy; sentAtMs: number }>();

  readonly #last = new Map<string, Arrival>();

  /**
   * A beat was taken. Whether a request waits is for the caller to know: without one there is nothing to measure. Nor
   * is there where the last attempt failed: its request is backed off, and no beat may wake it before its time.
   */
  onBeat(workspaceId: string, after: ReadyBy, sentAtMs: number): void {
    const last = this.#last.get(workspaceId);
    if (last && last.answered !== 200) return;
    this.#open.set(workspaceId, { after, sentAtMs });
  }

  onArrival(arrival: Arrival): void {
    const { workspaceId, atMs } = arrival;
    this.#last.set(workspaceId, arrival);
    const open = this.#open.get(workspaceId);
    if (!open) return;
    this.#open.delete(workspaceId);
    // The same request again: its delivery was cut off, and waited for the lease.
    if (arrival.attempt > 1) return;
    this.delays.push({ after: open.after, ms: atMs - open.sentAtMs });
  }
}

export interface Spread {
  readonly count: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

/** Undefined where there is nothing to measure. */
export function spreadOf(delaysMs: readonly number[]): Spread | undefined {
  const sorted = delaysMs.toSorted((one, other) => one - other);
  const worstMs = sorted.at(-1);
  if (worstMs === undefined) return undefined;
  return { count: sorted.length, medianMs: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, worstMs };
}
