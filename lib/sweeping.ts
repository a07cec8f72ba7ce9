import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import type { WorkQueue } from './work-queue.ts';

export interface SweepingProps {
  readonly foundations: Foundations;
  readonly reprobes: WorkQueue;
  readonly restarts: WorkQueue;
  readonly parked: WorkQueue;
}

/** Every minute, finishes what a lost message or a crash left half done. */
export class Sweeping extends Construct {
  readonly sweep: DefibFunction;

  constructor(scope: Construct, id: string, { foundations, reprobes, restarts, parked }: SweepingProps) {
    super(scope, id);
    this.sweep = new DefibFunction(this, 'Sweep', {
      name: 'sweep',
      description: 'Re-sends lost messages, ends expired requests, frees slots, closes the brake',
      // Done before the next one starts.
      foundations,
    });
    foundations.state.usedBy(this.sweep, { does: 'decides', lists: true });
    foundations.events.publishedBy(this.sweep);
    reprobes.filledBy(this.sweep);
    restarts.filledBy(this.sweep);
    parked.countedBy(this.sweep);

    const everyMinute = new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      // The next sweep does the same work, so a missed one needs no second try.
      targets: [new LambdaFunction(this.sweep.lambda, { retryAttempts: 0 })],
    });
    accept(everyMinute, { 'Serverless-EventBusDLQ': 'The next sweep does the same work a minute later.' });
    foundations.alarms.add(this, 'ParkedNotReceived', {
      severity: 'page',
      runbook: 'parked-not-received',
      says: 'Parked requests wait, and nobody receives their messages.',
      metric: this.sweep.counted('ParkedSilent'),
      when: { atLeast: 1 },
    });
    foundations.alarms.add(this, 'BodiesLost', {
      severity: 'page',
      runbook: 'parked-not-received',
      says: 'Messages of parked requests have vanished; the requests are dead letters without their bytes.',
      metric: this.sweep.counted('BodyLost'),
      when: { atLeast: 1 },
    });
    foundations.alarms.add(this, 'NotRunning', {
      severity: 'page',
      runbook: 'sweep-not-running',
      says: 'The sweep has not run for five minutes.',
      metric: this.sweep.lambda.metricInvocations({ period: Duration.minutes(5) }),
      when: { below: 1 },
    });
    // One sweep may be behind after others did not run; three of five are not getting it done.
    foundations.alarms.add(this, 'Behind', {
      severity: 'ticket',
      runbook: 'sweep-behind',
      says: 'More is due than the sweep gets done in its time.',
      metric: this.sweep.counted('SweepBehind'),
      when: { atLeast: 3 },
    });
    // The sweep counts these once a minute as long as it finds them so.
    foundations.alarms.add(this, 'BrakeOpen', {
      severity: 'page',
      runbook: 'the-brake-opened',
      says: 'The brake is open: nothing is restarted in the whole fleet.',
      metric: this.sweep.counted('BrakeOpen'),
      when: { atLeast: 1 },
    });
    foundations.alarms.add(this, 'BrakeUnreadable', {
      severity: 'page',
      runbook: 'the-brake-opened',
      says: 'The fleet item cannot be read, which counts as an open brake.',
      metric: this.sweep.counted('BrakeUnreadable'),
      when: { atLeast: 1 },
    });
  }
}
