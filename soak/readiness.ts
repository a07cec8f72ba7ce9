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

  /** A beat was taken. Whether a request waits is for the caller to know: without one there is nothing to measure. */
  onBeat(workspaceId: string, after: ReadyBy, sentAtMs: number): void {
    this.#open.set(workspaceId, { after, sentAtMs });
  }

  onArrival({ workspaceId, atMs }: Arrival): void {
    const open = this.#open.get(workspaceId);
    if (!open) return;
    this.#open.delete(workspaceId);
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
