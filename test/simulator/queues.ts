/** The queues with their dead letters, each the source of its function. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { EventSource, Queue, simulatedSqs, type Message, type SimulatedSqs, type Whims } from './aws/sqs.ts';
import { deadLetterRetentionSeconds, deployedQueues } from './deployed.ts';
import { QueueSource } from './event-source.ts';
import { deadUrls, urls, type QueueName } from './functions.ts';
import type { Unfinished } from './oracles/liveness.ts';
import { isOfNext, recordsOf, type Oddity } from './oracles/odd.ts';
import type { Command } from './sdk.ts';
import type { World } from './world.ts';

const names = Object.keys(urls) as QueueName[];
const isOfDead: ReadonlySet<string> = new Set(Object.values(deadUrls));

/** One for each queue. */
function each<T>(make: (name: QueueName) => T): Record<QueueName, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<QueueName, T>;
}

export class Queues {
  readonly #world: World;
  readonly queues: Record<QueueName, Queue>;
  readonly dead: Record<QueueName, Queue>;
  readonly #sources: Record<QueueName, QueueSource>;
  readonly #sqs: SimulatedSqs;
  readonly #nameOf = new Map<string, QueueName>();
  /** While true no function is given anything: for who hands it out by himself. */
  isHeld = false;

  constructor(world: World) {
    this.#world = world;
    const nowMs = (): number => world.time.nowMs();
    this.dead = each((name) => {
      const { fifo } = deployedQueues[name];
      return new Queue({ name: `${name}-dead`, fifo, retentionSeconds: deadLetterRetentionSeconds }, nowMs);
    });
    this.queues = each((name) => {
      const { fifo, visibilitySeconds, retentionSeconds, maxReceiveCount } = deployedQueues[name];
      const redrive = { to: this.dead[name], maxReceiveCount };
      return new Queue(
        { name, fifo, deduplicatesByGroup: fifo, visibilitySeconds, retentionSeconds, redrive },
        nowMs,
        this.#whims(name),
      );
    });
    this.#sqs = simulatedSqs({
      ...Object.fromEntries(names.map((name) => [urls[name], this.queues[name]])),
      ...Object.fromEntries(names.map((name) => [deadUrls[name], this.dead[name]])),
    });
    for (const name of names) {
      this.#nameOf.set(urls[name], name);
    }
    this.#sources = each((name) => this.#source(name));
  }

  /** A call of a function. */
  run(command: Command): object {
    const { QueueUrl = '' } = command.input as { QueueUrl?: string };
    const name = this.#nameOf.get(QueueUrl);
    if (command instanceof SendMessageCommand && name !== undefined) {
      if (this.#isLost()) return { MessageId: 'lost', $metadata: {} };
    }
    if (command instanceof SendMessageCommand && isOfDead.has(QueueUrl))
      this.#setAside(QueueUrl, command.input.MessageBody ?? '');
    const output = this.#sqs.run(command);
    if (command instanceof SendMessageCommand && name === 'parked')
      this.#enqueued(command.input.MessageBody ?? '');
    if (name !== undefined) this.#sources[name].poke();
    return output;
  }

  sendRaw(name: QueueName, body: string, what: Oddity): void {
    this.#world.oracles.odd.sent(name, body, what);
    const number = this.#world.nextNumber();
    const { members } = this.#world.truth;
    // Also among the messages of a workspace.
    const groupId = number % 2 === 0 ? what : (members[number % members.length]?.workspaceId ?? what);
    const fifo =
      name === 'parked'
        ? { groupId, deduplicationId: String(number) }
        : { groupId: undefined, deduplicationId: undefined };
    this.queues[name].send({ body, ...fifo });
    this.#sources[name].poke();
  }

  /** Odd messages that are not dead letters yet. */
  oddOnes(): Unfinished[] {
    return this.#world.oracles.odd.left((queue, body, where) => {
      const { [queue as QueueName]: asked } = where === 'queue' ? this.queues : this.dead;
      return asked.messages().filter((message) => message.body === body).length;
    });
  }

  purge(): void {
    this.#world.oracles.odd.purged('parked');
    this.queues.parked.purge();
  }

  /** The first message of a workspace that waits to be delivered, or is held by deliver. */
  headOf(workspaceId: string): Message | undefined {
    return this.queues.parked.messages().find(({ groupId }) => groupId === workspaceId);
  }

  /** The next batch of a queue, as its function would get it. */
  take(name: QueueName): unknown {
    return new EventSource(this.queues[name], { batchSize: 10 }).next()?.event;
  }

  pokeAll(): void {
    for (const name of names) this.#sources[name].poke();
  }

  replanAll(): void {
    for (const name of names) this.#sources[name].replan();
  }

  #source(name: QueueName): QueueSource {
    const queue = this.queues[name];
    const { worker, batchSize, maxConcurrency } = deployedQueues[name];
    const source = new EventSource(queue, { batchSize });
    const polled = {
      next: () => source.next(),
      nextVisibleMs: () => (this.isHeld ? undefined : queue.nextReceivableAtMs()),
    };
    return new QueueSource(this.#world, polled, { fn: worker, maxConcurrency });
  }

  #whims(name: QueueName): Whims {
    const { random, weights } = this.#world;
    const may = (share: number, what: string): boolean => {
      if (this.#world.isCalm || !random.chance(share)) return false;
      this.#world.seen(what);
      return true;
    };
    return {
      pick: (count) => random.between(0, count - 1),
      lateMs: () => (may(weights.late, 'message late') ? random.between(1000, 100_000) : 0),
      staysVisible: () => may(weights.twice, 'message twice'),
      survivesDelete: (message) => this.#survives(message, name === 'parked'),
    };
  }

  #survives(message: Message, isParked: boolean): boolean {
    if (isParked) this.#deleted(message);
    const { random, weights, isCalm } = this.#world;
    if (isCalm || !random.chance(weights.undeleted)) return false;
    this.#world.seen('message not deleted');
    return true;
  }

  #isLost(): boolean {
    const { random, weights, isCalm } = this.#world;
    if (isCalm || !random.chance(weights.vanished)) return false;
    this.#world.seen('message vanished');
    return true;
  }

  /** By an invocation that was given it: what lies in the queue by now may be another one with the same body. */
  #setAside(queueUrl: string, body: string): void {
    const [record] = recordsOf(this.#world.acting)
      .filter((each) => each.body === body)
      .sort((one, other) => receivesOf(other) - receivesOf(one));
    if (!record) return;
    const { SentTimestamp: sentAt, ApproximateFirstReceiveTimestamp: firstAt } = record.attributes;
    this.#world.oracles.odd.setAside({
      body,
      receives: receivesOf(record),
      firstReceivedAtMs: Number(firstAt),
      sentAtMs: Number(sentAt),
    });
    if (queueUrl !== deadUrls.parked || !isOfNext(body)) return;
    const { workspaceId, requestId } = JSON.parse(body) as { workspaceId: string; requestId: string };
    this.#world.oracles.requests.setAside(workspaceId, requestId);
  }

  /** It may not be there: a queue that was purged still knows what it has seen, and takes no second copy for a while. */
  #enqueued(body: string): void {
    if (!this.queues.parked.messages().some((message) => message.body === body)) return;
    const { workspaceId, requestId } = JSON.parse(body) as { workspaceId: string; requestId: string };
    this.#world.oracles.requests.enqueued(workspaceId, requestId);
  }

  #deleted({ body }: Message): void {
    try {
      const { requestId, enqueueNo } = JSON.parse(body) as { requestId?: string; enqueueNo?: number };
      if (requestId !== undefined) this.#world.oracles.requests.deleted(requestId, enqueueNo ?? 0);
    } catch {
      // Rubbish is owed nothing.
    }
  }
}

function receivesOf({ attributes }: SQSRecord): number {
  return Number(attributes.ApproximateReceiveCount);
}
