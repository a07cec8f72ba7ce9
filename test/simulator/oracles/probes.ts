/** S31: a caller's look is made by whoever holds the workspace's lease of a second, and a batch looks once for all. */
import type { SQSEvent } from 'aws-lambda';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import type { Weights } from '../swarm.ts';
import type { Witness } from './witness.ts';

const LEASE_MS = 1000;
/** Between the beginning of an invocation and its reading of the time. */
const BEGINNING_MS = 50;

export class ProbeOracle {
  readonly #witness: Witness & { readonly weights: Weights };
  /** When whoever had the lease last began, by workspace. */
  readonly #lastBeganMs = new Map<string, number>();
  /** Invocations that have taken the lease and have not looked by it. */
  readonly #holders = new Set<number>();
  /** Looks by invocation, of those whose batch has several messages. */
  readonly #looks = new Map<number, number>();

  constructor(witness: Witness & { readonly weights: Weights }) {
    this.#witness = witness;
  }

  leaseChanged(workspaceId: string, before: Item | undefined, after: Item | undefined): void {
    const { acting } = this.#witness;
    if (!acting || before?.['leaseUntilMs'] === after?.['leaseUntilMs']) return;
    this.#holders.add(acting.number);
    const sinceMs = acting.beganMs - (this.#lastBeganMs.get(workspaceId) ?? -Infinity);
    this.#lastBeganMs.set(workspaceId, acting.beganMs);
    if (this.#clocksAreRight() && sinceMs < LEASE_MS - BEGINNING_MS)
      this.#witness.broken('S31', `${workspaceId} may be looked at ${sinceMs} ms after the last time`);
  }

  looked(ids: readonly string[], { name, number, event }: Invocation): void {
    if (name === 'forward-error' && !this.#holders.has(number))
      this.#witness.broken('S31', `a caller's look at ${ids.join(', ')} without its lease`);
    if (name !== 'reprobe' || this.#areGone(ids, number)) return;
    const looks = (this.#looks.get(number) ?? 0) + 1;
    this.#looks.set(number, looks);
    const messages = (event as SQSEvent).Records.length;
    if (messages > 1) this.#witness.seen('one look for a batch');
    // One whose answer was lost is made once more by the SDK.
    const allowed = this.#witness.weights.lost > 0 ? 2 : 1;
    if (looks > allowed) this.#witness.broken('S31', `${looks} looks for one batch of ${messages} messages`);
  }

  /** What a replacement needs is asked of an instance that was found terminated, whatever else was said of it. */
  #areGone(ids: readonly string[], number: number): boolean {
    return ids.every((id) => {
      const { machines } = this.#witness.truth;
      const sights = this.#witness.truth.sightsOf(id).filter(({ by }) => by === number);
      const isGone = machines.get(id)?.instance === 'terminated' && sights.length > 0;
      return isGone || sights.some(({ state }) => state === 'terminated');
    });
  }

  #clocksAreRight(): boolean {
    const { skewed, slightlySkewed, thawLag } = this.#witness.weights;
    return skewed === 0 && slightlySkewed === 0 && thawLag === 0;
  }
}
