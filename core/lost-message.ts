/** Which parked requests have lost their message: SQS keeps a group in order, so what came after tells. */
import type { Drain } from './drain.ts';
import type { ParkedRequest } from './parking.ts';

/** How far the clocks of SQS and of a function may disagree here; wide, since being wrong ends a living request. */
const ORDER_MARGIN_MS = 15_000;
/** A queue counts about right only after about a minute: it must be empty for this long. */
const EMPTY_FOR_MS = 150_000;
/** A head is received at least every two minutes, or is held by a lease of 90 s. */
const SILENT_AFTER_MS = 240_000;

/** A message that was sent later has been received, so this one, which was before it in the group, is gone. */
export function isOvertaken(request: ParkedRequest, { receivedSentAtMs = 0 }: Drain, nowMs: number): boolean {
  return !isAtWork(request, nowMs) && isParkedSurelyBefore(receivedSentAtMs, request);
}

/** The queue holds nothing, and has held nothing for so long that this message can't be on its way. */
export function isOrphaned(request: ParkedRequest, emptySinceMs: number | undefined, nowMs: number): boolean {
  const sinceMs = emptySinceMs ?? Infinity;
  if (isAtWork(request, nowMs) || nowMs - sinceMs < EMPTY_FOR_MS) return false;
  return isParkedSurelyBefore(sinceMs, request);
}

/** Nothing of this workspace was received for longer than deferrals and leases explain. */
export function isSilent(oldest: ParkedRequest, { receivedAtMs = 0 }: Drain, nowMs: number): boolean {
  const lastSignMs = Math.max(
    receivedAtMs,
    oldest.parkedAtMs ?? oldest.acceptedAtMs,
    oldest.leaseUntilMs ?? 0,
  );
  return nowMs - lastSignMs >= SILENT_AFTER_MS;
}

/** What is not parked yet, is parked before nothing. */
function isParkedSurelyBefore(atMs: number, { parkedAtMs = Infinity }: ParkedRequest): boolean {
  return parkedAtMs + ORDER_MARGIN_MS < atMs;
}

function isAtWork(request: ParkedRequest, nowMs: number): boolean {
  return request.state === 'delivering' && nowMs < (request.leaseUntilMs ?? 0) + ORDER_MARGIN_MS;
}
