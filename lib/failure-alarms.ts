import { Duration } from 'aws-cdk-lib';
import { MathExpression, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import type { AlarmRule, Alarms } from './alarms.ts';
import type { DefibFunction } from './defib-function.ts';

type Functions = Readonly<Record<FunctionName, DefibFunction>>;

const answerCalls = ['forward-error', 'heartbeat', 'lookup', 'operate'] as const;
const workThroughQueues = ['reprobe', 'restart', 'receive', 'deliver'] as const;
const publish = ['forward-error', 'reprobe', 'restart', 'deliver', 'sweep', 'operate'] as const;

/**
 * Alarms on failures that the functions catch and count themselves: Lambda's own count of errors shows none of them. One
 * alarm for all functions each; which one it was says the log. A single failure is retried, so one alone is no alarm.
 */
export function addFailureAlarms(scope: Construct, alarms: Alarms, functions: Functions): void {
  const counted = (metric: string, names: readonly FunctionName[]): IMetric[] =>
    names.map((name) => functions[name].counted(metric));
  const rules: Readonly<Record<string, Omit<AlarmRule, 'metric'> & { readonly of: IMetric[] }>> = {
    CallsFail: {
      severity: 'ticket',
      runbook: 'calls-fail',
      says: 'Calls of the API end in 503 unavailable.',
      of: counted('CallFailed', answerCalls),
      when: { atLeast: 5 },
    },
    MessagesFail: {
      severity: 'ticket',
      runbook: 'messages-fail',
      says: 'Messages of a queue fail and are tried again, or a second look could not be sent.',
      of: [
        ...counted('MessageFailed', workThroughQueues),
        ...counted('BatchFailed', workThroughQueues),
        ...counted('ReprobeNotSent', ['forward-error']),
      ],
      when: { atLeast: 3 },
    },
    EventsNotPublished: {
      severity: 'ticket',
      runbook: 'events-not-published',
      says: 'Events could not be published.',
      of: counted('EventNotPublished', publish),
      when: { atLeast: 1 },
    },
    SweepRowsFail: {
      severity: 'ticket',
      runbook: 'sweep-fails',
      says: 'The sweep fails at the same things again and again.',
      of: counted('SweepRowFailed', ['sweep']),
      when: { atLeast: 3 },
    },
    SweepDoesNothing: {
      severity: 'page',
      runbook: 'sweep-not-running',
      says: 'The sweep runs, but fails or will not act by its clock.',
      of: [
        functions.sweep.lambda.metricErrors({ statistic: 'Sum', period: Duration.minutes(5) }),
        ...counted('SweepClockUnsure', ['sweep']),
      ],
      when: { atLeast: 3 },
    },
  };
  for (const [id, { of, ...rule }] of Object.entries(rules)) {
    alarms.add(scope, id, { ...rule, metric: sumOf(of, Duration.minutes(5)) });
  }
}

/** What was counted in all. A function that counted nothing reports nothing, which is no reason to know nothing. */
export function sumOf(metrics: readonly IMetric[], period: Duration): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  const expression = Object.keys(usingMetrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics, period });
}
