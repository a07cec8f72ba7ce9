/** One message of a queue, with all that SQS remembers of it. */

export interface Sent {
  readonly body: string;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
}

export interface Message extends Sent {
  readonly id: string;
  /** Order of sending within the queue. */
  readonly sequence: number;
  /** When it was sent; a move to a dead-letter queue keeps it in a standard queue. */
  readonly sentAtMs: number;
  /** Until then nobody receives it: it is delayed, or in flight. */
  visibleAtMs: number;
  receives: number;
  firstReceivedAtMs: number | undefined;
  /** The handle of the newest receipt. */
  handle: string | undefined;
  /** When that receipt was given: its visibility never lasts longer than 12 hours. */
  receivedAtMs: number;
}

/** Whether a consumer holds it. */
export function isInFlight(message: Message, nowMs: number): boolean {
  return message.handle !== undefined && message.visibleAtMs > nowMs;
}

const xmlCharacters = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** Only what XML 1.0 allows may be in a body. */
export function hasLegalCharacters(body: string): boolean {
  return xmlCharacters.test(body);
}
