/**
 * Time is an input, and it is a range: the function's own clock and the time of the event may disagree, and a
 * sandbox that thaws may be minutes behind. Staleness is judged by the earliest end, expiry by the latest, and a promise is
 * ended for its time only when both ends agree: doubt about the time only ever makes Defib more careful (S15, S16). All
 * instants are epoch milliseconds.
 */
export interface TimeRange {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** The last instant that a JavaScript Date can hold. */
const LAST_INSTANT_MS = 8.64e15;

/** Whether a value can be an instant at all: a number, not negative, within what a Date can hold; NaN is neither. */
export function isInstant(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_INSTANT_MS;
}

/** The range that spans both clocks that saw an API call: the function's and the gateway's. */
export function rangeOfCall(ownClockMs: number, gatewayClockMs: number | undefined): TimeRange {
  if (!isInstant(gatewayClockMs)) return { earliestMs: ownClockMs, latestMs: ownClockMs };
  return { earliestMs: Math.min(ownClockMs, gatewayClockMs), latestMs: Math.max(ownClockMs, gatewayClockMs) };
}

/** What is certain about the time at which a queue message is handled; epoch ms. */
export interface MessageTimes {
  readonly sentAtMs: number;
  readonly delayMs: number;
  readonly firstReceivedAtMs: number;
  /** When the database answered this very run, by its own clock: a message that waits by visibility was first received long ago. */
  readonly answeredAtMs: number | undefined;
  /** What has passed since the database was asked, by the function's own clock, which may have stood still. @default none */
  readonly passedMs?: number;
}

/**
 * The range for a queue message. It is certain that the message was sent, its delay passed, it was received for the
 * first time and the database has answered; so the range begins no earlier than the latest of these, and time spent
 * in the queue is not spread. Our own clock is the other end.
 */
export function rangeOfMessage(ownClockMs: number, times: MessageTimes): TimeRange {
  const receivedMs = Math.max(times.sentAtMs + times.delayMs, times.firstReceivedAtMs);
  const certainMs = Math.max(isInstant(receivedMs) ? receivedMs : 0, times.answeredAtMs ?? 0);
  const passedMs = Math.max(0, times.passedMs ?? 0);
  return {
    earliestMs: Math.min(ownClockMs, certainMs),
    latestMs: Math.max(ownClockMs, certainMs + passedMs),
  };
}

/** ISO 8601 in UTC, as the API writes times. */
export function isoTime(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
