/**
 * Messages that no function of this version has sent. Rubbish becomes a dead letter, once; a message of a newer version
 * waits for a newer function first, and is tried again (S32, V10). For neither anything is done.
 */
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { UNKNOWN_VERSION_RECEIVES } from '../../../core/messages.ts';
import type { Message } from '../aws/sqs.ts';
import type { Invocation } from '../invocation.ts';
import type { Weights } from '../swarm.ts';
import { versionOf } from '../versions.ts';
import type { Unfinished } from './liveness.ts';
import type { Witness } from './witness.ts';

export type Oddity = 'rubbish' | 'newer';

/** A message, as the invocation was given it that sets it aside. */
export type SetAside = Pick<Message, 'body' | 'receives' | 'firstReceivedAtMs' | 'sentAtMs'>;

/** The waits between five receives, half a minute each, and what they may be shorter by. */
const NEWER_WAITS_MS = (UNKNOWN_VERSION_RECEIVES - 1) * 30_000 - 1000;

/** Faults that make a copy of a message, or of a dead letter. */
const copying = [
  'twice',
  'undeleted',
  'lost',
  'crashBefore',
  'crashAfter',
  'slow',
  'frozen',
  'error',
] as const;

/** And those by which it is not set aside at once. */
const delaying = ['throttled', 'sqsDown'] as const;

/** From its being sent to its being a dead letter, where nothing lies before it: a poll, a cold start and a call. */
const SET_ASIDE_WITHIN_MS = 10_000;

export class OddOracle {
  readonly #witness: Witness & { readonly weights: Weights };
  /** How many were sent, by queue and body. */
  readonly #sent = new Map<string, { readonly queue: string; readonly body: string; count: number }>();
  readonly #bodies = new Map<string, Oddity>();

  constructor(witness: Witness & { readonly weights: Weights }) {
    this.#witness = witness;
  }

  sent(queue: string, body: string, what: Oddity): void {
    this.#bodies.set(body, what);
    const key = `${queue}\n${body}`;
    const before = this.#sent.get(key);
    if (before) before.count += 1;
    else this.#sent.set(key, { queue, body, count: 1 });
  }

  /** A queue was emptied by somebody. */
  purged(queue: string): void {
    for (const [key, sent] of this.#sent) if (sent.queue === queue) this.#sent.delete(key);
  }

  /** Something was written, or done to an instance. */
  effect(acting: Invocation | undefined): void {
    const records = recordsOf(acting);
    if (!acting || records.length === 0) return;
    const isUnknown = ({ body }: { readonly body: string }): boolean =>
      this.#bodies.has(body) || (acting.code !== 'newer' && isOfNext(body));
    if (records.every(isUnknown))
      this.#witness.broken('S32', `${acting.name} does something for a message that it can't know`);
  }

  /** One is set aside, and this is how it was received. */
  setAside({ body, receives, firstReceivedAtMs, sentAtMs }: SetAside): void {
    const what = this.#bodies.get(body) ?? (isOfNext(body) ? 'newer' : undefined);
    if (what) this.#witness.seen(`dead letter ${what}`);
    if (
      what === 'rubbish' &&
      this.#isPlain() &&
      delaying.every((name) => this.#witness.weights[name] === 0)
    ) {
      if (receives > 1) this.#witness.broken('V10', `rubbish is set aside at receive ${receives}`);
      const afterMs = this.#witness.nowMs() - (firstReceivedAtMs ?? sentAtMs);
      if (afterMs > SET_ASIDE_WITHIN_MS)
        this.#witness.broken('V10', `rubbish is set aside after ${afterMs} ms`);
    }
    if (what !== 'newer') return;
    if (receives < UNKNOWN_VERSION_RECEIVES)
      this.#witness.broken('S32', `a message of a newer version is a dead letter at receive ${receives}`);
    const waitedMs = this.#witness.nowMs() - (firstReceivedAtMs ?? 0);
    // What a newer function has received and put off before has spent its receives without waiting for one.
    const isOnlyHere = this.#witness.weights.newerCode === 0;
    if (isOnlyHere && this.#isPlain() && waitedMs < NEWER_WAITS_MS)
      this.#witness.broken('S32', `a message of a newer version is a dead letter after ${waitedMs} ms`);
  }

  /** An invocation threw. A message that it can't read is no reason to give up those beside it. */
  threw(invocation: Invocation): void {
    const records = (invocation.event as Partial<SQSEvent> | undefined)?.Records;
    if (!Array.isArray(records)) return;
    const odd = records.filter(({ body }) => this.#bodies.has(body)).length;
    this.#witness.broken(
      odd > 0 ? 'V10' : 'S26',
      `${invocation.name} gives up its batch of ${records.length}, of which it can't read ${odd}`,
    );
  }

  /** Asked when the world is calm; `count` counts the messages with a body that lie in a queue, or with its dead letters. */
  left(count: (queue: string, body: string, where: 'queue' | 'dead') => number): Unfinished[] {
    return [...this.#sent.values()].flatMap((sent): Unfinished[] => {
      const dead = count(sent.queue, sent.body, 'dead');
      const waiting = count(sent.queue, sent.body, 'queue');
      const what = `${sent.count} of "${sent.body}" were sent: ${dead} dead letters, ${waiting} wait`;
      if (dead + waiting < sent.count || (this.#isPlain() && dead > sent.count))
        this.#witness.broken('V10', what);
      return waiting > 0 ? [{ invariant: 'V10', what }] : [];
    });
  }

  #isPlain(): boolean {
    return copying.every((name) => this.#witness.weights[name] === 0);
  }
}

/** What an invocation was given by its queue; nothing where it was called otherwise. */
export function recordsOf(invocation: Invocation | undefined): readonly SQSRecord[] {
  const records = (invocation?.event as Partial<SQSEvent> | undefined)?.Records;
  return Array.isArray(records) ? records : [];
}

/** Sent by the next version, which another function runs already. */
export function isOfNext(body: string): boolean {
  return (versionOf(body) ?? 0) === 2;
}
