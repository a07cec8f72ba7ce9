/** Messages: those in hand, and those to be sent. */
import type { DeliveryMessage, ParkedMessage, ReprobeMessage, RestartMessage } from '../../core/messages.ts';

/** A message in this invocation's hands. */
export interface Received<T> {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: T;
  readonly receives: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  /** Its place in its group, as SQS numbers it; only of a FIFO queue. */
  readonly sequence?: string;
}

/** What becomes of a message: deleted, seen again after a while, or left hidden for as long as it is. */
export type Settled =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly afterSeconds: number }
  | { readonly kind: 'left' };

export interface Queues {
  sendReprobe(message: ReprobeMessage, delaySeconds: number): Promise<void>;
  sendRestart(message: RestartMessage): Promise<void>;
  /**
   * Step 2 of parking: into the workspace's group, deduplicated by request and enqueue number. Gives the message's place
   * in the group, as SQS numbers it.
   */
  sendParked(message: ParkedMessage): Promise<string | undefined>;
  /** Hands a parked message on to deliver. */
  sendDelivery(message: DeliveryMessage): Promise<void>;
  /**
   * Sets how long a parked message stays invisible: deliver's lease, and the wake (0). `gone`: the handle is over, since
   * the message was deleted or is in somebody else's hands.
   */
  setParkedVisibility(receiptHandle: string, seconds: number): Promise<'set' | 'gone'>;
  /** Takes a parked message out of the queue; one whose handle is over stays, and is seen again. */
  deleteParked(receiptHandle: string): Promise<void>;
  /** About how many messages the parked queue holds, in whatever condition. */
  parkedDepth(): Promise<number>;
}
