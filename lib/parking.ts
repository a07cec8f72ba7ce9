import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { DELIVERY_LEASE_MS } from '../core/parking.ts';
import { timeoutSeconds } from '../core/timeouts.ts';
import { env } from '../lambdas/runtime/env-names.ts';
import { accept } from './accepted.ts';
import { DefibFunction } from './defib-function.ts';
import type { DeliveryNetwork } from './delivery-network.ts';
import { sumOf } from './failure-alarms.ts';
import type { Foundations } from './foundations.ts';
import { WorkQueue } from './work-queue.ts';

/** What dies with a message in its hands gives it back after this. */
const parkedVisibility = Duration.millis(DELIVERY_LEASE_MS);
/**
 * A hand-over that nobody takes is forgotten: the parked message was seen again meanwhile, and handed on anew. Not at
 * once, so that deliver meets some of those and counts them.
 */
const handOverLife = Duration.millis(DELIVERY_LEASE_MS).plus(Duration.seconds(30));

/** SQS looks for groups that are free among so many of a FIFO queue's messages, and no further. */
const MOST_SEARCHED = 120_000;

export interface ParkingProps {
  readonly foundations: Foundations;
  /** Not on the local stage. */
  readonly network: DeliveryNetwork | undefined;
  /** The most messages handed on, and the most deliveries, at once. */
  readonly maxConcurrency: { readonly receive: number; readonly deliver: number };
}

/** Keeps the requests that were promised, and delivers them when their workspace is ready. */
export class Parking extends Construct {
  readonly parked: WorkQueue;
  /** From receive to deliver. */
  readonly deliveries: WorkQueue;
  readonly receive: DefibFunction;
  readonly deliver: DefibFunction;

  constructor(scope: Construct, id: string, { foundations, network, maxConcurrency }: ParkingProps) {
    super(scope, id);
    this.parked = new WorkQueue(this, 'Parked', {
      urlNames: { queue: env.parkedQueueUrl, deadLetters: env.parkedDlqUrl },
      kind: 'fifo',
      visibilityTimeout: parkedVisibility,
      // Waiting is not failing: real attempts are counted in the ledger.
      maxReceiveCount: 1000,
      retention: Duration.days(14),
      foundations,
    });
    this.deliveries = new WorkQueue(this, 'Deliveries', {
      urlNames: { queue: env.deliveriesQueueUrl, deadLetters: env.deliveriesDlqUrl },
      kind: 'standard',
      visibilityTimeout: Duration.seconds(timeoutSeconds.deliver),
      maxReceiveCount: 20,
      retention: handOverLife,
      foundations,
    });
    accept(this.deliveries.queue, {
      'Defib-VisibilityForSixTimeouts':
        'A hand-over is never tried again: it is forgotten after two minutes, and the parked message comes back.',
    });
    this.receive = new DefibFunction(this, 'Receive', {
      name: 'receive',
      description: "Hands the head of each workspace's queue on to deliver",
      foundations,
    });
    this.parked.workedBy(this.receive, { batchSize: 1, maxConcurrency: maxConcurrency.receive });
    this.parked.buriedBy(this.receive);
    this.deliveries.filledBy(this.receive);
    this.deliver = new DefibFunction(this, 'Deliver', {
      name: 'deliver',
      description: 'Delivers a parked request to its workspace, or puts it off',
      foundations,
      network,
    });
    foundations.state.usedBy(this.deliver, { does: 'decides' });
    foundations.events.publishedBy(this.deliver);
    this.deliver.mayDescribeInstances();
    this.deliveries.workedBy(this.deliver, { batchSize: 1, maxConcurrency: maxConcurrency.deliver });
    this.deliveries.buriedBy(this.deliver);
    this.parked.settledBy(this.deliver);
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
    foundations.alarms.add(this, 'DeliveriesTooLate', {
      severity: 'ticket',
      runbook: 'deliveries-too-late',
      says: 'Requests that could be delivered wait for a hand: too few deliveries may run at once.',
      metric: this.deliver.counted('DeliveryTooLate'),
      when: { atLeast: 1 },
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
