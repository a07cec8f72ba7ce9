/** When an attempt at delivery may begin: the verdict that holds it is final, its time has come, nothing restarts. */
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Item } from '../aws/dynamodb.ts';
import { requestIn, workspaceIn, type Witness } from './witness.ts';

/** A verdict that has not become final holds nothing back after that. */
const HELD_AT_MOST_MS = 90_000;

/**
 * Each is judged by what its invocation could know: what was written before it began, it has read. So nothing is
 * allowed for its way from that read to the write that begins the attempt, however long it stood still in between.
 */
export class AttemptOracle {
  readonly #witness: Witness;
  /** When the claim of each workspace was made, by the world's own time. */
  readonly #claimedMs = new Map<string, number>();
  /** When the time of each request was set. */
  readonly #timedMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const after = workspaceIn(afterItem);
    if (after?.claim && after.claim.token !== workspaceIn(beforeItem)?.claim?.token)
      this.#claimedMs.set(after.workspaceId, this.#witness.nowMs());
  }

  rowChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = requestIn(beforeItem);
    const after = requestIn(afterItem);
    if (!before || !after) return;
    if (after.state === 'delivering' && after.attempts !== before.attempts) this.#begins(before);
    if (after.notBeforeMs !== before.notBeforeMs) this.#timedMs.set(after.requestId, this.#witness.nowMs());
  }

  #begins(before: ParkedRequest): void {
    const witness = this.#witness;
    const nowMs = witness.nowMs();
    const { heldBy, notBeforeMs = 0, requestId, workspaceId } = before;
    if (notBeforeMs > nowMs && this.#isKnown(this.#timedMs.get(requestId)))
      witness.broken('V8', `an attempt begins ${notBeforeMs - nowMs} ms before its time`);
    if (heldBy !== undefined && nowMs - before.acceptedAtMs <= HELD_AT_MOST_MS) {
      const receipt = witness.stored(`WS#${workspaceId}`, `VERDICT#${heldBy}`);
      if (receipt?.['final'] === false)
        witness.broken('S19', 'an attempt begins before the verdict that holds it is final');
    }
    const claim = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'))?.claim;
    if (claim && this.#isKnown(this.#claimedMs.get(workspaceId)))
      witness.broken('S22', 'an attempt begins while a restart is under way');
  }

  #isKnown(sinceMs = Infinity): boolean {
    const { acting } = this.#witness;
    return acting !== undefined && sinceMs < acting.beganMs;
  }
}
