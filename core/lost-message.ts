/** Which parked requests have lost their message: SQS keeps a group in order, so what came after tells. */
import type { Drain } from './drain.ts';
import type { ParkedRequest } from './parking.ts';

/** How far the clocks of two functions may disagree here. */
const CLOCK_MARGIN_MS = 15_000;
/** A queue counts about right only after about a minute: it must be empty for this long. */
const EMPTY_FOR_MS = 150_000;
/** With the minute between two sweeps: what does not come is found within two minutes. */
const SILENT_AFTER_MS = 60_000;

/**
 * A message that came later in the group has been received, so this one is gone. By SQS's own numbers, since a sandbox
 * whose clock is wrong must not end a living request (S16). The time is asked only for what numbers can't tell: a queue
 * that was replaced may count anew, and what was received before this request was parked is no sign.
 */
export function isOvertaken(
  request: ParkedRequest,
  { receivedSequence, receivedAtMs = 0 }: Drain,
  nowMs: number,
): boolean {
  const { parkedAtMs = Infinity } = request;
  if (isAtWork(request, nowMs) || receivedAtMs <= parkedAtMs) return false;
  const { sequence } = request;
  return isPlace(sequence) && isPlace(receivedSequence) && BigInt(sequence) < BigInt(receivedSequence);
}

/** SQS's sequence number: 128 bits, so no ordinary number. What is none says nothing. */
function isPlace(sequence: string | undefined): sequence is string {
  return /^[0-9]{1,39}$/.test(String(sequence));
}

/** The queue holds nothing, and has held nothing for so long that this message can't be on its way. */
export function isOrphaned(request: ParkedRequest, emptySinceMs: number | undefined, nowMs: number): boolean {
  const sinceMs = emptySinceMs ?? Infinity;
  if (isAtWork(request, nowMs) || nowMs - sinceMs < EMPTY_FOR_MS) return false;
  return isParkedSurelyBefore(sinceMs, request);
}

/** Nothing of this workspace was received when its deferral, or the lease of its delivery, was long over. */
export function isSilent(
  oldest: ParkedRequest,
  { receivedAtMs = 0, nextDueAtMs = receivedAtMs }: Drain,
  nowMs: number,
): boolean {
  const wasDueMs = Math.max(nextDueAtMs, oldest.parkedAtMs ?? oldest.acceptedAtMs, oldest.leaseUntilMs ?? 0);
  return nowMs - wasDueMs >= SILENT_AFTER_MS;
}

/** What is not parked yet, is parked before nothing. */
function isParkedSurelyBefore(atMs: number, { parkedAtMs = Infinity }: ParkedRequest): boolean {
  return parkedAtMs + CLOCK_MARGIN_MS < atMs;
}

function isAtWork(request: ParkedRequest, nowMs: number): boolean {
  return request.state === 'delivering' && nowMs < (request.leaseUntilMs ?? 0) + CLOCK_MARGIN_MS;
}
