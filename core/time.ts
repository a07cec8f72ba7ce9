/**
 * Time is an input, and it is a range: the function's own clock and the time of the event may disagree, and a
 * sandbox that thaws may be minutes behind. Staleness is judged by the earliest end, expiry by the latest, so that
 * doubt about the time only ever makes Defib more careful (S15, S16). All instants are epoch milliseconds.
 */
export interface TimeRange {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** The last instant that a JavaScript Date can hold. */
const LAST_INSTANT_MS = 8.64e15;

/** Whether a value can be an instant at all: a number, finite, not negative, within what a Date can hold. */
export function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_INSTANT_MS;
}

/** The range that spans both clocks that saw an API call: the function's and the gateway's. */
export function rangeOfCall(ownClockMs: number, gatewayClockMs: number | undefined): TimeRange {
  if (!isInstant(gatewayClockMs)) return { earliestMs: ownClockMs, latestMs: ownClockMs };
  return { earliestMs: Math.min(ownClockMs, gatewayClockMs), latestMs: Math.max(ownClockMs, gatewayClockMs) };
}

/**
 * The range for a queue message. It is certain that the message was sent, its delay passed and it was received for
 * the first time; so the range begins no earlier than that, and time spent in the queue is not spread.
 */
export function rangeOfMessage(
  ownClockMs: number,
  message: { readonly sentAtMs: number; readonly delayMs: number; readonly firstReceivedAtMs: number },
): TimeRange {
  const certainMs = Math.max(message.sentAtMs + message.delayMs, message.firstReceivedAtMs);
  if (!isInstant(certainMs)) return { earliestMs: 0, latestMs: ownClockMs };
  return { earliestMs: Math.min(ownClockMs, certainMs), latestMs: Math.max(ownClockMs, certainMs) };
}

/** ISO 8601 in UTC, as the API writes times. */
export function isoTime(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
