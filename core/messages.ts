import type { ErrorKind } from './forward-error.ts';

/**
 * The queue messages. Each names its schema version, workspace, instance, generation and epoch: an unknown version,
 * or anything older than what the table holds, changes nothing (S6, S32).
 */
export const MESSAGE_VERSION = 1;

interface Addressed {
  readonly v: typeof MESSAGE_VERSION;
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly generation: number;
  readonly epoch: number;
}

/** Asks for the second sighting, or for both when EC2 throttled the first or deliver reports a failure. */
export interface ReprobeMessage extends Addressed {
  readonly kind: 'reprobe';
  readonly verdictId: string;
  readonly errorKind: ErrorKind;
}

/** Carries one claim one step further. */
export interface RestartMessage extends Addressed {
  readonly kind: 'restart';
  readonly token: string;
}

/** A parked request, whole: the ledger has its state, the message its bytes. */
export interface ParkedMessage {
  readonly v: typeof MESSAGE_VERSION;
  readonly kind: 'parked';
  readonly workspaceId: string;
  readonly requestId: string;
  /** Raised when a request is enqueued anew: a message of another number is a leftover. */
  readonly enqueueNo: number;
  /** One key for every attempt, so that the agent can tell a repeat (S22). */
  readonly idempotencyKey: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
}

/** A parked message in the hands of whoever settles it, as the parked queue handed it out. */
export interface ParkedHandle {
  readonly id: string;
  readonly receiptHandle: string;
  readonly receives: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  /** Its place in its group, as SQS numbers it. */
  readonly sequence?: string | undefined;
}

/** Hands the head of a group on to deliver, which settles it in the parked queue by its handle. */
export interface DeliveryMessage {
  readonly v: typeof MESSAGE_VERSION;
  readonly kind: 'delivery';
  readonly handle: ParkedHandle;
  readonly parked: ParkedMessage;
}

/**
 * Receives after which a message of an unknown schema version goes to the dead-letter queue. SQS counts those by newer
 * functions, too: what has waited under them for long is set aside as soon as an older one meets it. So a version that
 * changes a schema for the first time must read both for one deploy before it writes the new one.
 */
export const UNKNOWN_VERSION_RECEIVES = 5;
