/** A queue as the source of a function: receives, invokes, deletes what was done. Late, twice, or without the deletion. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { Ended, LambdaWorld } from './lambda.ts';

export type SqsRecord = SQSEvent['Records'][number];

export interface SourceWorld extends LambdaWorld {
  readonly lambda: { invoke(fn: FunctionName, event: unknown): Promise<Ended> };
  isDown(service: 'sqs'): boolean;
}

/** The queue as a source sees it. */
export interface Polled {
  receive(most: number): readonly SqsRecord[];
  delete(record: SqsRecord): void;
  /** When the next receive could find something; undefined while there is nothing. */
  nextVisibleMs(): number | undefined;
}

export interface SourceProps {
  readonly fn: FunctionName;
  readonly isFifo: boolean;
  readonly batchSize: number;
  readonly maxConcurrency: number;
}

export class EventSource {
  readonly #world: SourceWorld;
  readonly #queue: Polled;
  readonly #props: SourceProps;
  #inFlight = 0;
  #pollAtMs = Infinity;

  constructor(world: SourceWorld, queue: Polled, props: SourceProps) {
    this.#world = world;
    this.#queue = queue;
    this.#props = props;
  }

  /** The queue has changed: polls when there may be something. */
  poke(): void {
    const { random, time, weights, isCalm } = this.#world;
    if (this.#inFlight >= this.#props.maxConcurrency) return;
    const visibleMs = this.#queue.nextVisibleMs();
    if (visibleMs === undefined) return;
    const nowMs = time.nowMs();
    const atMs = Math.max(visibleMs, nowMs) + 1;
    if (atMs >= this.#pollAtMs) return;
    const isLate = !isCalm && random.chance(weights.late);
    if (isLate) this.#world.seen('message late');
    const delayMs = isLate ? random.between(1000, 100_000) : random.between(5, 60);
    // A late message is late by itself: others, which come after it, may be earlier.
    if (!isLate) this.#pollAtMs = atMs;
    time.after(atMs - nowMs + delayMs, () => {
      if (this.#pollAtMs <= time.nowMs()) this.#pollAtMs = Infinity;
      this.#poll();
    });
  }

  #poll(): void {
    const { fn, batchSize, maxConcurrency, isFifo } = this.#props;
    const { random, time, weights, isCalm } = this.#world;
    if (this.#inFlight >= maxConcurrency) return;
    if (this.#world.isDown('sqs')) {
      time.after(5000, () => {
        this.poke();
      });
      return;
    }
    // Often a batch is not full although more is there.
    const most = random.chance(0.5) ? batchSize : 1 + random.between(0, batchSize - 1);
    const records = this.#queue.receive(most);
    if (records.length > 0) {
      this.#handle(fn, records);
      if (!isFifo && !isCalm && random.chance(weights.twice)) {
        this.#world.seen('message twice');
        time.after(random.between(1, 4000), () => {
          this.#handle(fn, records);
        });
      }
    }
    this.poke();
  }

  #handle(fn: FunctionName, records: readonly SqsRecord[]): void {
    this.#inFlight += 1;
    void this.#world.lambda.invoke(fn, { Records: records }).then((ended) => {
      this.#inFlight -= 1;
      if (ended.kind === 'returned') this.#deleteDone(records, ended.value as SQSBatchResponse | undefined);
      this.poke();
    });
  }

  #deleteDone(records: readonly SqsRecord[], answer: SQSBatchResponse | undefined): void {
    const { random, weights, isCalm } = this.#world;
    const unfinished = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const record of records) {
      if (unfinished.has(record.messageId)) continue;
      if (!isCalm && random.chance(weights.undeleted)) {
        this.#world.seen('message not deleted');
        continue;
      }
      this.#queue.delete(record);
    }
  }
}
