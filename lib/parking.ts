import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import { accept } from './accepted.ts';
import { DefibFunction } from './defib-function.ts';
import type { DeliveryNetwork } from './delivery-network.ts';
import { sumOf } from './failure-alarms.ts';
import type { Foundations } from './foundations.ts';
import { WorkQueue } from './work-queue.ts';

/** A delivery waits for an agent's whole turn, so it gets the longest time that Lambda allows. */
const deliverTimeout = Duration.minutes(15);

/** SQS looks for groups that are free among so many of a FIFO queue's messages, and no further. */
const MOST_SEARCHED = 120_000;

export interface ParkingProps {
  readonly foundations: Foundations;
  /** Not on the local stage. */
  readonly network: DeliveryNetwork | undefined;
  /** The most deliveries at once. */
  readonly maxConcurrency: number;
}

/** Keeps the requests that were promised, and delivers them when their workspace is ready. */
export class Parking extends Construct {
  readonly parked: WorkQueue;
  readonly deliver: DefibFunction;

  constructor(scope: Construct, id: string, { foundations, network, maxConcurrency }: ParkingProps) {
    super(scope, id);
    this.parked = new WorkQueue(this, 'Parked', {
      urlNames: { queue: env.parkedQueueUrl, deadLetters: env.parkedDlqUrl },
      kind: 'fifo',
      // Not six time-outs: deliver's first act is to shorten this to a lease, which it renews while it works.
      visibilityTimeout: deliverTimeout,
      // Waiting is not failing: real attempts are counted in the ledger.
      maxReceiveCount: 1000,
      retention: Duration.days(14),
      foundations,
    });
    accept(this.parked.queue, {
      'Defib-VisibilityForSixTimeouts':
        'Deliver shortens the time to a lease of 90 s that it renews, so a crash costs 90 s and not 15 minutes.',
    });
    this.deliver = new DefibFunction(this, 'Deliver', {
      name: 'deliver',
      description: 'Delivers a parked request to its workspace, or puts it off',
      timeout: deliverTimeout,
      foundations,
      network,
    });
    foundations.state.usedBy(this.deliver, { does: 'decides' });
    foundations.events.publishedBy(this.deliver);
    this.deliver.mayDescribeInstances();
    this.parked.workedBy(this.deliver, { batchSize: 1, maxConcurrency });
    this.parked.buriedBy(this.deliver);
    this.#sayWhereToDeliver(foundations, network);
    const { queue } = this.parked;
    const held = { period: Duration.minutes(5), statistic: 'Maximum' };
    foundations.alarms.add(this, 'QueueLong', {
      severity: 'ticket',
      runbook: 'parked-queue-long',
      says: 'The parked queue is half as long as SQS looks through for the next workspace.',
      metric: sumOf(
        [
          queue.metricApproximateNumberOfMessagesVisible(held),
          queue.metricApproximateNumberOfMessagesNotVisible(held),
        ],
        held.period,
      ),
      when: { atLeast: MOST_SEARCHED / 2 },
    });
    foundations.alarms.add(this, 'StrangersMet', {
      severity: 'page',
      runbook: 'strangers-met',
      says: 'Somebody else than its agent answers at the address of a workspace.',
      metric: this.deliver.counted('StrangerMet'),
      when: { atLeast: 1 },
    });
    foundations.alarms.add(this, 'RequestsGivenUp', {
      severity: 'ticket',
      runbook: 'requests-given-up',
      says: 'A parked request became a dead letter.',
      metric: this.deliver.counted('RequestDeadLettered'),
      when: { atLeast: 1 },
    });
  }

  /** A failed delivery is a forward error too: deliver tells the judge, by the queue of second looks. */
  reportTo(reprobes: WorkQueue): void {
    reprobes.filledBy(this.deliver);
  }

  #sayWhereToDeliver({ local }: Foundations, network: DeliveryNetwork | undefined): void {
    if (local !== undefined) this.deliver.addEnvironment(env.localAddress, local.address);
    const cidrs = network?.workspaceCidrs ?? (local === undefined ? [] : [`${local.address}/32`]);
    this.deliver.addEnvironment(env.workspaceCidrs, cidrs.join(','));
  }
}
