/** Messages: those in hand, and those to be sent. */
import type { ParkedMessage, ReprobeMessage, RestartMessage } from '../../core/messages.ts';

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

/** What becomes of a message: deleted, or seen again after a while. */
export type Settled = { readonly kind: 'done' } | { readonly kind: 'again'; readonly afterSeconds: number };

export interface Queues {
  sendReprobe(message: ReprobeMessage, delaySeconds: number): Promise<void>;
  sendRestart(message: RestartMessage): Promise<void>;
  /**
   * Step 2 of parking: into the workspace's group, deduplicated by request and enqueue number. Gives the message's place
   * in the group, as SQS numbers it.
   */
  sendParked(message: ParkedMessage): Promise<string | undefined>;
  /** Sets how long a parked message stays invisible: deliver's lease, and the wake (0). */
  setParkedVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /** About how many messages the parked queue holds, in whatever condition. */
  parkedDepth(): Promise<number>;
}
