/** When an attempt at delivery may begin: the verdict that holds it is final, its time has come, nothing restarts. */
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

/** From the reads of deliver to the write that begins the attempt: a call to EC2 with its retry lies in between. */
const ON_ITS_WAY_MS = 15_000;
/** A verdict that has not become final holds nothing back after that. */
const HELD_AT_MOST_MS = 90_000;

export function attemptMayBegin(
  witness: Witness,
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const before = beforeItem as unknown as ParkedRequest | undefined;
  const after = afterItem as unknown as ParkedRequest | undefined;
  if (!before || after?.state !== 'delivering' || after.attempts === before.attempts) return;
  const nowMs = witness.nowMs();
  if (before.notBeforeMs !== undefined && before.notBeforeMs > nowMs + ON_ITS_WAY_MS)
    witness.broken('V8', `an attempt begins ${before.notBeforeMs - nowMs} ms before its time`);
  const { heldBy } = before;
  if (heldBy !== undefined && nowMs - before.acceptedAtMs < HELD_AT_MOST_MS - ON_ITS_WAY_MS) {
    const receipt = witness.stored(`WS#${before.workspaceId}`, `VERDICT#${heldBy}`);
    if (receipt?.['final'] === false)
      witness.broken('S19', 'an attempt begins before the verdict that holds it is final');
  }
  const claim = workspaceIn(witness.stored(`WS#${before.workspaceId}`, 'STATE'))?.claim;
  // One that stood still since it read the workspace can't know; its lease keeps it from sending late.
  const readMs = Math.min(nowMs, witness.acting?.beganMs ?? nowMs);
  if (claim && claim.sinceMs < readMs - 2 * ON_ITS_WAY_MS)
    witness.broken('S22', 'an attempt begins while a restart is under way');
}
