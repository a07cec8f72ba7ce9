/**
 * One queue. It promises what SQS promises and no more: a standard queue may reorder and duplicate, a FIFO queue holds
 * a group while one of its messages is in flight, and a visibility timeout is no guarantee. What may go one way or the
 * other is asked of the whims; without any, the queue is as good as SQS ever is.
 */
import { Deduplication, type Accepted } from './deduplication.ts';
import { refused } from './errors.ts';
import { hasLegalCharacters, isInFlight, type Message, type Sent } from './message.ts';

export interface QueueSettings {
  readonly name: string;
  readonly fifo?: boolean;
  /** @default 30 */
  readonly visibilitySeconds?: number;
  /** @default 0 */
  readonly delaySeconds?: number;
  /** @default four days */
  readonly retentionSeconds?: number;
  readonly redrive?: { readonly to: Queue; readonly maxReceiveCount: number };
  /** @default 1 MiB, SQS's largest */
  readonly largestBytes?: number;
  /** Whether a deduplication id counts within its group only, as in queues of high throughput. @default false */
  readonly deduplicatesByGroup?: boolean;
}

export interface Whims {
  /** Which of `count` visible messages a standard queue hands out next. */
  readonly pick?: (count: number) => number;
  /** Ms by which a message is later than its delay or visibility says. */
  readonly lateMs?: (message: Message) => number;
  /** Whether a received message can be received again at once. */
  readonly staysVisible?: (message: Message) => boolean;
  /** Whether a delete misses a copy, which comes back when its visibility ends. */
  readonly survivesDelete?: (message: Message) => boolean;
}

const LARGEST_BYTES = 1_048_576;
const LONGEST_DELAY_SECONDS = 900;
const LONGEST_VISIBILITY_SECONDS = 43_200;

export class Queue {
  readonly settings: QueueSettings;
  readonly whims: Whims;
  readonly #nowMs: () => number;
  readonly #messages = new Map<string, Message>();
  readonly #deduplication = new Deduplication();
  #sequence = 0;
  /** Infinity for an empty queue; undefined when it is to be found out anew. */
  #nextAtMs: number | undefined;
  #receipts = 0;

  constructor(settings: QueueSettings, nowMs: () => number, whims: Whims = {}) {
    this.settings = settings;
    this.whims = whims;
    this.#nowMs = nowMs;
  }

  get isFifo(): boolean {
    return this.settings.fifo === true;
  }

  send(sent: Sent, delaySeconds?: number): Accepted {
    this.#checkSent(sent, delaySeconds);
    const nowMs = this.#nowMs();
    const scope = this.settings.deduplicatesByGroup === true ? (sent.groupId ?? '') : '';
    const key = `${scope}\n${sent.deduplicationId ?? ''}`;
    const before = this.isFifo ? this.#deduplication.before(key, nowMs) : undefined;
    if (before) return { id: before.id, sequence: before.sequence };
    const sequence = ++this.#sequence;
    const delayMs = (delaySeconds ?? this.settings.delaySeconds ?? 0) * 1000;
    const id = `${this.settings.name}-${sequence}`;
    this.#add({ ...sent, id, sequence, sentAtMs: nowMs, visibleAtMs: nowMs + delayMs });
    if (this.isFifo) this.#deduplication.remember(key, { id, sequence }, nowMs);
    return { id, sequence };
  }

  /** Up to `most` messages, each with a new handle. Too many receives move a message to the dead letters instead. */
  receive(most: number, visibilitySeconds?: number): Message[] {
    const nowMs = this.#nowMs();
    this.#nextAtMs = undefined;
    this.#expire(nowMs);
    const received: Message[] = [];
    const candidates = this.#receivable(nowMs);
    while (received.length < most && candidates.length > 0) {
      const at = this.isFifo ? 0 : Math.min(this.whims.pick?.(candidates.length) ?? 0, candidates.length - 1);
      const [message] = candidates.splice(at, 1);
      if (!message || this.#buried(message)) continue;
      message.receives++;
      message.firstReceivedAtMs ??= nowMs;
      message.receivedAtMs = nowMs;
      message.handle = `${message.id}/${++this.#receipts}`;
      const seconds = visibilitySeconds ?? this.settings.visibilitySeconds ?? 30;
      message.visibleAtMs =
        this.whims.staysVisible?.(message) === true ? nowMs : this.#visibleAt(message, seconds);
      received.push({ ...message });
    }
    return received;
  }

  /** Deletes by the newest handle. An older one is taken, and may not delete; deleting twice is no error. */
  delete(handle: string): void {
    const message = this.#messageOf(handle);
    if (!message) return;
    if (this.isFifo && (message.handle !== handle || !isInFlight(message, this.#nowMs())))
      throw refused(
        'badValue',
        'Value for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.',
      );
    if (message.handle !== handle || this.whims.survivesDelete?.(message) === true) return;
    this.#messages.delete(message.id);
    this.#nextAtMs = undefined;
  }

  /** Changes how long a message in flight stays hidden: `seconds` from now. */
  changeVisibility(handle: string, seconds: number): void {
    if (!(seconds >= 0 && seconds <= LONGEST_VISIBILITY_SECONDS))
      throw refused('badValue', `Value ${seconds} for parameter VisibilityTimeout is invalid.`);
    const nowMs = this.#nowMs();
    const message = this.#messageOf(handle);
    if (!message)
      throw refused(
        'badValue',
        'Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.',
      );
    if (message.handle !== handle || !isInFlight(message, nowMs))
      throw refused('notInFlight', 'The message is not in flight');
    if (nowMs + seconds * 1000 > message.receivedAtMs + LONGEST_VISIBILITY_SECONDS * 1000)
      throw refused(
        'badValue',
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [${LONGEST_VISIBILITY_SECONDS} seconds].`,
      );
    message.visibleAtMs = seconds === 0 ? nowMs : this.#visibleAt(message, seconds);
    this.#nextAtMs = undefined;
  }

  counts(): { visible: number; inFlight: number; delayed: number } {
    const nowMs = this.#nowMs();
    this.#expire(nowMs);
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const message of this.#messages.values()) {
      if (message.visibleAtMs <= nowMs) counts.visible++;
      else if (message.handle === undefined) counts.delayed++;
      else counts.inFlight++;
    }
    return counts;
  }

  /** From when on something can be received: perhaps a time that has passed; undefined when the queue is empty. */
  nextReceivableAtMs(): number | undefined {
    this.#nextAtMs ??= this.#whenReceivable();
    return this.#nextAtMs === Infinity ? undefined : this.#nextAtMs;
  }

  /** All that lies here, for whoever looks from outside. */
  messages(): readonly Message[] {
    return [...this.#messages.values()];
  }

  purge(): void {
    this.#messages.clear();
    this.#nextAtMs = undefined;
  }

  /** Takes a message over from the queue that gave it up. */
  bury(message: Message): void {
    const nowMs = this.#nowMs();
    // A standard queue keeps the time of the first send, so that retention goes on from there.
    const sentAtMs = this.isFifo ? nowMs : message.sentAtMs;
    this.#add({ ...message, sequence: ++this.#sequence, sentAtMs, visibleAtMs: nowMs });
  }

  #add(message: Omit<Message, 'receives' | 'firstReceivedAtMs' | 'handle' | 'receivedAtMs'>): void {
    const added: Message = {
      ...message,
      receives: 0,
      firstReceivedAtMs: undefined,
      handle: undefined,
      receivedAtMs: 0,
    };
    added.visibleAtMs += this.whims.lateMs?.(added) ?? 0;
    this.#messages.set(added.id, added);
    this.#nextAtMs = undefined;
  }

  #visibleAt(message: Message, seconds: number): number {
    return this.#nowMs() + seconds * 1000 + (this.whims.lateMs?.(message) ?? 0);
  }

  #messageOf(handle: string): Message | undefined {
    const [, id] = /^(.+)\/\d+$/.exec(handle) ?? [];
    if (id?.startsWith(`${this.settings.name}-`) !== true && !this.#messages.has(id ?? ''))
      throw refused('badHandle', `The input receipt handle "${handle}" is not a valid receipt handle.`);
    return this.#messages.get(id ?? '');
  }

  #receivable(nowMs: number): Message[] {
    const all = [...this.#messages.values()];
    if (!this.isFifo) return all.filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
    return [...this.#groups().values()].flatMap((group) => {
      if (openAtMs(group) > nowMs) return [];
      const delayed = group.findIndex(({ visibleAtMs }) => visibleAtMs > nowMs);
      return delayed < 0 ? group : group.slice(0, delayed);
    });
  }

  #whenReceivable(): number {
    const messages = [...this.#messages.values()];
    const times = this.isFifo
      ? [...this.#groups().values()].map(openAtMs)
      : messages.map(({ visibleAtMs }) => visibleAtMs);
    return times.reduce((least, time) => Math.min(least, time), Infinity);
  }

  /** The messages of each group in their order; what came back from a consumer has kept its place. */
  #groups(): Map<string, Message[]> {
    const groups = new Map<string, Message[]>();
    for (const message of this.#messages.values()) {
      const group = groups.get(message.groupId ?? '');
      if (group) group.push(message);
      else groups.set(message.groupId ?? '', [message]);
    }
    return groups;
  }

  #buried(message: Message): boolean {
    const { redrive } = this.settings;
    if (!redrive || message.receives < redrive.maxReceiveCount) return false;
    this.#messages.delete(message.id);
    redrive.to.bury(message);
    return true;
  }

  #expire(nowMs: number): void {
    const oldestMs = nowMs - (this.settings.retentionSeconds ?? 4 * 86_400) * 1000;
    for (const message of this.#messages.values()) {
      if (message.sentAtMs >= oldestMs) continue;
      this.#messages.delete(message.id);
      this.#nextAtMs = undefined;
    }
  }

  #checkSent({ body, groupId, deduplicationId }: Sent, delaySeconds: number | undefined): void {
    if (body === '') throw refused('missing', 'The request must contain the parameter MessageBody.');
    if (Buffer.byteLength(body) > (this.settings.largestBytes ?? LARGEST_BYTES))
      throw refused(
        'badValue',
        'One or more parameters are invalid. Reason: Message must be shorter than the limit.',
      );
    if (!hasLegalCharacters(body)) throw refused('badCharacters', 'Invalid characters found');
    if (delaySeconds !== undefined && !(delaySeconds >= 0 && delaySeconds <= LONGEST_DELAY_SECONDS))
      throw refused('badValue', `Value ${delaySeconds} for parameter DelaySeconds is invalid.`);
    if (!this.isFifo) {
      if (deduplicationId !== undefined)
        throw refused('badValue', 'The request includes a parameter that is not valid for this queue type');
      return;
    }
    if (delaySeconds !== undefined)
      throw refused(
        'badValue',
        `Value ${delaySeconds} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.`,
      );
    if (groupId === undefined)
      throw refused('missing', 'The request must contain the parameter MessageGroupId.');
    if (deduplicationId === undefined)
      throw refused(
        'badValue',
        'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
      );
  }
}

/** From when on a group gives anything: no message of it is in flight, and its first one's delay has passed. */
function openAtMs(group: readonly Message[]): number {
  return group.reduce(
    (latest, { handle, visibleAtMs }) => (handle === undefined ? latest : Math.max(latest, visibleAtMs)),
    group[0]?.visibleAtMs ?? 0,
  );
}
