/**
 * V4: a Start that met no capacity is tried again, each time after a longer wait, for an hour; then somebody is told.
 * Counted by what EC2 really answered, and by the world's own time.
 */
import type { RestartRecord } from '../../../core/timeline.ts';
import type { Claim, Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import type { Weights } from '../swarm.ts';
import type { Unfinished } from './liveness.ts';
import { workspaceIn, type Witness } from './witness.ts';

const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 5 * 60_000;
const GIVEN_UP_AFTER_MS = 60 * 60_000;
const ROUNDED_MS = 1000;
/** From an invocation's beginning to its call of EC2, both of whose ways may be slow. */
const SLOW_MS = 20_000;

interface Waiting {
  readonly sinceMs: number;
  refusals: number;
  /** Who was refused last. */
  by: number;
  /** When it may be tried again, as far as that was written down. */
  notBeforeMs?: number | undefined;
}

export class CapacityOracle {
  readonly #witness: Witness & { readonly weights: Weights };
  /** When the open claim of each token was made, by the world's own time. */
  readonly #madeMs = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  /** Claims that have just ended while they waited: after how long, and of which workspace. */
  readonly #ending = new Map<string, { readonly afterMs: number; readonly workspaceId: string }>();
  /** Claims that were given up, and of which nobody was told yet. */
  readonly #untold = new Map<string, string>();

  constructor(witness: Witness & { readonly weights: Weights }) {
    this.#witness = witness;
  }

  /** EC2 is asked to start an instance; `refusal`: what it said instead. */
  started(instanceId: string, refusal: string | undefined, { number }: Invocation): void {
    const witness = this.#witness;
    const nowMs = witness.nowMs();
    const { workspaceId = '' } = witness.truth.machines.get(instanceId) ?? {};
    const claim = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'))?.claim;
    if (claim?.instanceId !== instanceId) return;
    const waiting = this.#waiting.get(claim.token);
    const earlyMs = (waiting?.notBeforeMs ?? 0) - nowMs;
    if (earlyMs > 0 && this.#clocksAreRight())
      witness.broken('V4', `tried again ${earlyMs} ms before the wait for capacity was over`);
    if (refusal !== 'InsufficientInstanceCapacity') {
      this.#waiting.delete(claim.token);
      return;
    }
    const sinceMs = this.#madeMs.get(claim.token) ?? nowMs;
    this.#waiting.set(claim.token, { sinceMs, refusals: (waiting?.refusals ?? 0) + 1, by: number });
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem);
    const after = workspaceIn(afterItem);
    const claim = after?.claim;
    if (claim && claim.token !== before?.claim?.token) this.#madeMs.set(claim.token, this.#witness.nowMs());
    if (claim && claim.token === before?.claim?.token && claim.notBeforeMs !== before.claim.notBeforeMs)
      this.#noted(claim);
    if (before?.claim && claim?.token !== before.claim.token) this.#ended(before, after, before.claim);
  }

  #noted({ token, notBeforeMs, waitsFor, attempt }: Claim): void {
    const waiting = this.#waiting.get(token);
    const { acting } = this.#witness;
    if (!waiting || waitsFor !== 'capacity' || acting?.number !== waiting.by) return;
    waiting.notBeforeMs = notBeforeMs;
    const waitMs = (notBeforeMs ?? 0) - acting.beganMs;
    const leastMs = waitOf(waiting.refusals) - ROUNDED_MS;
    const mostMs = waitOf(attempt) * 1.2 + SLOW_MS;
    if (waitMs > leastMs * 1.05) this.#witness.seen('capacity wait jittered');
    if (waiting.refusals > 1) this.#witness.seen('capacity waited for again');
    if (waitMs < leastMs || (this.#clocksAreRight() && waitMs > mostMs))
      this.#witness.broken('V4', `refusal ${waiting.refusals} is followed by a wait of ${waitMs} ms`);
  }

  /** While nobody wants it otherwise: whether it was given up says the row of its end. */
  #ended(before: Workspace, after: Workspace | undefined, { token, kind }: Claim): void {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    const witness = this.#witness;
    if (waiting?.notBeforeMs === undefined || witness.acting?.name !== 'restart') return;
    if (after?.instanceId !== before.instanceId || after.desired !== 'running' || after.pause) return;
    const machine = witness.truth.machines.get(before.instanceId);
    if (machine?.instance !== 'stopped' || witness.policy.respectManualStop || kind === 'operator') return;
    const { workspaceId } = before;
    this.#ending.set(token, { afterMs: witness.nowMs() - waiting.sinceMs, workspaceId });
  }

  /** The row of an end, in the write that ends the claim: given up means that an hour has passed, and somebody is told. */
  restartEnded(rowItem: Item | undefined): void {
    const { token = '', outcome } = (rowItem?.['restart'] ?? {}) as Partial<RestartRecord>;
    const ending = this.#ending.get(token);
    this.#ending.delete(token);
    if (!ending || outcome !== 'failed') return;
    this.#witness.seen('capacity given up');
    if (this.#clocksAreRight() && ending.afterMs < GIVEN_UP_AFTER_MS - ROUNDED_MS)
      this.#witness.broken('V4', `no capacity, and given up after ${ending.afterMs} ms`);
    this.#untold.set(token, ending.workspaceId);
  }

  news(type: string, detail: { readonly token?: string }): void {
    if (type === 'restart.failed' && detail.token !== undefined) this.#untold.delete(detail.token);
  }

  /** Asked when the world is calm. */
  left(): Unfinished[] {
    return [...this.#untold].map(([token, workspaceId]) => ({
      invariant: 'V4',
      what: `${workspaceId} was given up without capacity, and nobody was told of ${token}`,
    }));
  }

  #clocksAreRight(): boolean {
    const { skewed, slightlySkewed, thawLag } = this.#witness.weights;
    return skewed === 0 && slightlySkewed === 0 && thawLag === 0;
  }
}

/** The wait after a refusal: half a minute, doubled up to five. */
function waitOf(refusals: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(refusals - 1, 10), LONGEST_WAIT_MS);
}
