import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import { WorkQueue } from './work-queue.ts';

export interface JudgingProps {
  readonly foundations: Foundations;
  /** Where a request goes that may be kept, and from where it is let go. */
  readonly parked: WorkQueue;
  /** Where a claim goes that was won. */
  readonly restarts: WorkQueue;
  readonly maxConcurrency: number;
}

/** Says of a workspace whether it is alive, busy or dead: a first look, and a second one two seconds later. */
export class Judging extends Construct {
  readonly reprobes: WorkQueue;
  readonly forwardError: DefibFunction;
  readonly reprobe: DefibFunction;

  constructor(scope: Construct, id: string, { foundations, parked, restarts, maxConcurrency }: JudgingProps) {
    super(scope, id);
    this.reprobes = new WorkQueue(this, 'Reprobes', {
      urlNames: { queue: env.reprobeQueueUrl, deadLetters: env.reprobeDlqUrl },
      kind: 'standard',
      visibilityTimeout: Duration.minutes(1),
      maxReceiveCount: 20,
      retention: Duration.days(4),
      foundations,
    });

    this.forwardError = new DefibFunction(this, 'ForwardError', {
      name: 'forward-error',
      description: 'Answers a proxy whose forward failed: alive, busy, dead, or looked at again',
      // A caller waits for it: the processor comes with the memory, and halves a cold start.
      memorySize: 1024,
      foundations,
    });
    this.#judges(this.forwardError, foundations);
    this.#tellsOfDoubt(this.forwardError, foundations);
    this.reprobes.filledBy(this.forwardError);
    parked.filledBy(this.forwardError);
    foundations.alarms.add(this, 'ParkingFails', {
      severity: 'page',
      runbook: 'parking-fails',
      says: 'Requests could not be kept; their callers were told 503.',
      metric: this.forwardError.counted('ParkingFailed'),
      when: { atLeast: 1 },
    });

    this.reprobe = new DefibFunction(this, 'Reprobe', {
      name: 'reprobe',
      description: 'Looks at suspects a second time, in batches, and claims the dead',
      memorySize: 1024,
      foundations,
    });
    this.#judges(this.reprobe, foundations);
    this.#tellsOfDoubt(this.reprobe, foundations);
    this.reprobes.workedBy(this.reprobe, { batchSize: 10, maxConcurrency });
    this.reprobes.buriedBy(this.reprobe);
    restarts.filledBy(this.reprobe);
    // A verdict that has become final releases the requests that it held.
    parked.hurriedBy(this.reprobe);
  }

  #judges(fn: DefibFunction, { state, events }: Foundations): void {
    state.usedBy(fn, { does: 'decides' });
    events.publishedBy(fn);
    fn.mayDescribeInstances();
  }

  #tellsOfDoubt(fn: DefibFunction, { alarms }: Foundations): void {
    alarms.add(fn, 'FactsInDoubt', {
      severity: 'ticket',
      runbook: 'facts-in-doubt',
      says: 'Stored facts cannot be true, or clocks disagree; whoever is judged by them is never restarted.',
      metric: fn.counted('FactsInDoubt'),
      when: { atLeast: 1 },
    });
  }
}
