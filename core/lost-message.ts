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
  if (request.parkedAtMs === undefined || isAtWork(request, nowMs)) return false;
  return request.parkedAtMs + ORDER_MARGIN_MS < receivedSentAtMs;
}

/** The queue holds nothing, and has held nothing for so long that this message can't be on its way. */
export function isOrphaned(request: ParkedRequest, emptySinceMs: number | undefined, nowMs: number): boolean {
  if (request.parkedAtMs === undefined || emptySinceMs === undefined || isAtWork(request, nowMs))
    return false;
  return nowMs - emptySinceMs >= EMPTY_FOR_MS && request.parkedAtMs + ORDER_MARGIN_MS < emptySinceMs;
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

function isAtWork(request: ParkedRequest, nowMs: number): boolean {
  return request.state === 'delivering' && nowMs < (request.leaseUntilMs ?? 0) + ORDER_MARGIN_MS;
}
