/**
 * The parked queue in memory, as SQS FIFO queues behave: a group in order and one message at a time, deduplication for
 * five minutes, and whatever is not deleted is seen again.
 */
import type { ParkedMessage } from '../../../core/messages.ts';
import type { Received } from '../../../lambdas/ports/queues.ts';
import type { VirtualTime } from './virtual-time.ts';

const DEDUPLICATED_FOR_MS = 5 * 60_000;
/** The queue's own. */
const QUEUE_VISIBILITY_MS = 90_000;

interface Held {
  readonly id: string;
  readonly message: ParkedMessage;
  readonly sentAtMs: number;
  readonly sequence: string;
  receives: number;
  firstReceivedAtMs?: number;
  visibleAtMs: number;
  handle?: string;
}

/** As SQS answers a handle whose message is visible again, or gone. */
export class StaleHandleError extends Error {
  override readonly name = 'ReceiptHandleIsInvalid';
}

export class FifoQueue {
  readonly #time: VirtualTime;
  readonly #onReceive: (received: Received<ParkedMessage>) => void;
  #held: Held[] = [];
  readonly #sent = new Map<string, { readonly atMs: number; readonly sequence: string }>();
  #count = 0;

  constructor(time: VirtualTime, onReceive: (received: Received<ParkedMessage>) => void) {
    this.#time = time;
    this.#onReceive = onReceive;
  }

  get depth(): number {
    return this.#held.length;
  }

  /** Gives the message's place in its group; a repeat gets that of the first. */
  send(message: ParkedMessage): string {
    const { nowMs } = this.#time;
    const id = `${message.requestId}#${message.enqueueNo}`;
    const before = this.#sent.get(id);
    if (before && nowMs - before.atMs < DEDUPLICATED_FOR_MS) return before.sequence;
    this.#count += 1;
    const sequence = String(this.#count);
    this.#sent.set(id, { atMs: nowMs, sequence });
    this.#held.push({
      id: `message-${this.#count}`,
      message: structuredClone(message),
      sequence,
      sentAtMs: nowMs,
      receives: 0,
      visibleAtMs: nowMs,
    });
    this.#time.after(0, () => {
      this.#offer(message.workspaceId);
    });
    return sequence;
  }

  setVisibility(handle: string, seconds: number): 'set' | 'gone' {
    const held = this.#held.find((candidate) => candidate.handle === handle);
    if (!held) return 'gone';
    held.visibleAtMs = this.#time.nowMs + Math.max(0, Math.round(seconds)) * 1000;
    this.#offerLater(held);
    return 'set';
  }

  delete(handle: string): void {
    const gone = this.#held.find((held) => held.handle === handle);
    if (!gone) throw new StaleHandleError('the message is visible again, or gone');
    this.#held = this.#held.filter((held) => held !== gone);
    this.#time.after(0, () => {
      this.#offer(gone.message.workspaceId);
    });
  }

  #offerLater({ visibleAtMs, message }: Held): void {
    this.#time.after(visibleAtMs - this.#time.nowMs, () => {
      this.#offer(message.workspaceId);
    });
  }

  /** Hands the oldest message of a group out, unless it is in somebody's hands. */
  #offer(group: string): void {
    const head = this.#held.find(({ message }) => message.workspaceId === group);
    const { nowMs } = this.#time;
    if (!head || head.visibleAtMs > nowMs) return;
    head.receives += 1;
    head.firstReceivedAtMs ??= nowMs;
    head.handle = `${head.id}/${head.receives}`;
    head.visibleAtMs = nowMs + QUEUE_VISIBILITY_MS;
    this.#offerLater(head);
    this.#onReceive({
      id: head.id,
      receiptHandle: head.handle,
      body: structuredClone(head.message),
      receives: head.receives,
      sentAtMs: head.sentAtMs,
      sequence: head.sequence,
      firstReceivedAtMs: head.firstReceivedAtMs,
    });
  }
}
