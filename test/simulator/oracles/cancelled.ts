/** One look that says running cancels what an earlier one counted, whichever verdict that one was for (S5). */
import { isFinal, type Receipt } from '../../../core/receipt.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

export class CancelledOracle {
  readonly #witness: Witness;
  /** When the evidence of each workspace was written, by the world's own time. */
  readonly #writtenMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem)?.evidence;
    const after = workspaceIn(afterItem);
    const { evidence } = after ?? {};
    if (!after || !evidence) return;
    if (before?.verdictId === evidence.verdictId && before.round === evidence.round) return;
    this.#writtenMs.set(after.workspaceId, this.#witness.nowMs());
  }

  judged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = beforeItem?.['receipt'] as Receipt | undefined;
    const after = afterItem?.['receipt'] as Receipt | undefined;
    if (!after || !isFinal(after) || (before && isFinal(before))) return;
    if (after.verdict !== 'alive' || after.rule !== '7-running') return;
    const { acting } = this.#witness;
    const { evidence } = workspaceIn(this.#witness.stored(`WS#${after.workspaceId}`, 'STATE')) ?? {};
    if (!evidence || !acting) return;
    // What was written since it began, it may not have read.
    if ((this.#writtenMs.get(after.workspaceId) ?? Infinity) >= acting.beganMs) return;
    this.#witness.broken(
      'S5',
      `${acting.name} saw it running, and the evidence of ${evidence.verdictId} still stands`,
    );
  }
}
