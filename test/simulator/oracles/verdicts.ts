/** Receipts: a final one never changes, and it says what has become of its claim. */
import { isFinal, type Receipt } from '../../../core/receipt.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

/** S35: the story of a verdict is gone on with, and not begun anew without what was seen first. */
export class StoryOracle {
  readonly #witness: Witness;
  /** When each receipt was begun, by the world's own time. */
  readonly #begunMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  written(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = beforeItem?.['receipt'] as Receipt | undefined;
    const after = afterItem?.['receipt'] as Receipt | undefined;
    if (!after) return;
    if (!before) this.#begunMs.set(after.verdictId, this.#witness.nowMs());
    const { acting } = this.#witness;
    if (before?.askedBy === undefined || before.askedBy === after.askedBy || !acting) return;
    if ((this.#begunMs.get(after.verdictId) ?? Infinity) < acting.beganMs)
      this.#witness.broken(
        'S35',
        `the receipt of ${after.verdictId}, that ${before.askedBy} began, is begun anew`,
      );
  }
}

export function judged(witness: Witness, beforeItem: Item | undefined, afterItem: Item | undefined): void {
  const before = beforeItem?.['receipt'] as Receipt | undefined;
  const after = afterItem?.['receipt'] as Receipt | undefined;
  if (!after) return;
  if (before && isFinal(before) && before.verdict !== after.verdict)
    witness.broken('S24', `the verdict ${after.verdictId} went from ${before.verdict} to ${after.verdict}`);
  if (after.looks.length !== (before?.looks.length ?? 0)) looked(witness, before, after);
  if (!isFinal(after) || (before && isFinal(before))) return;
  witness.seen(`verdict ${after.verdict} ${after.reason}`);
  const claim = workspaceIn(witness.stored(`WS#${after.workspaceId}`, 'STATE'))?.claim;
  // S27: whoever has won says so.
  if (after.verdict !== 'dead' && claim?.token === after.verdictId)
    witness.broken(
      'S27',
      `${after.verdictId} has won its claim, and its receipt says ${after.verdict} ${after.reason}`,
    );
}

function looked(witness: Witness, before: Receipt | undefined, after: Receipt): void {
  witness.seen(`rule ${after.rule}`);
  if (before?.rule !== '9-first-sighting') return;
  if (after.rule === '7-running') witness.seen('second look alive');
  if (after.rule === '6-probe-unknown' || after.rule === '5-probe-queued')
    witness.seen('second look inconclusive');
}
