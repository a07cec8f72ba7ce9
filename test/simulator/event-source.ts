/** A queue as the source of a function: receives, invokes, deletes what was done. Late, twice, or without the deletion. */
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { Batch } from './aws/sqs.ts';
import type { Ended, LambdaWorld } from './lambda.ts';
import type { Pending } from './scheduler.ts';

export interface SourceWorld extends LambdaWorld {
  readonly lambda: { invoke(fn: FunctionName, event: unknown): Promise<Ended> };
  isDown(service: 'sqs'): boolean;
}

/** The queue as a source sees it. */
export interface Polled {
  next(): Batch | undefined;
  /** When the next receive could find something; undefined while there is nothing. */
  nextVisibleMs(): number | undefined;
}

export interface SourceProps {
  readonly fn: FunctionName;
  readonly maxConcurrency: number;
}

export class QueueSource {
  readonly #world: SourceWorld;
  readonly #queue: Polled;
  readonly #props: SourceProps;
  #inFlight = 0;
  /** The poll that comes next. */
  #planned: Pending | undefined;
  #pollAtMs = Infinity;

  constructor(world: SourceWorld, queue: Polled, props: SourceProps) {
    this.#world = world;
    this.#queue = queue;
    this.#props = props;
  }

  /** The queue has changed: polls when there may be something. */
  poke(): void {
    const { random, time } = this.#world;
    if (this.#inFlight >= this.#props.maxConcurrency) return;
    const visibleMs = this.#queue.nextVisibleMs();
    if (visibleMs === undefined) return;
    const nowMs = time.nowMs();
    const atMs = Math.max(visibleMs, nowMs) + 1 + random.between(5, 60);
    if (atMs >= this.#pollAtMs) return;
    this.#callOff();
    this.#pollAtMs = atMs;
    this.#planned = time.after(atMs - nowMs, () => {
      this.#pollAtMs = Infinity;
      this.#poll();
    });
  }

  /** The time has leapt: whatever poll was planned is planned anew. */
  replan(): void {
    this.#callOff();
    this.#pollAtMs = Infinity;
    this.poke();
  }

  /** What is called off is no step of a life. */
  #callOff(): void {
    if (this.#planned) this.#planned.isOff = true;
  }

  #poll(): void {
    const { fn, maxConcurrency } = this.#props;
    const { time, lambda } = this.#world;
    if (this.#inFlight >= maxConcurrency) return;
    if (this.#world.isDown('sqs')) {
      time.after(5000, () => {
        this.poke();
      });
      return;
    }
    const batch = this.#queue.next();
    if (batch) {
      this.#inFlight += 1;
      void lambda.invoke(fn, batch.event).then((ended) => {
        this.#inFlight -= 1;
        if (ended.kind === 'returned') batch.answered(ended.value);
        else batch.failed();
        this.poke();
      });
    }
    this.poke();
  }
}
