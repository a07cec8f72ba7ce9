import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import type { AlarmRule, Alarms } from './alarms.ts';

type Watched = Pick<AlarmRule, 'severity' | 'runbook' | 'says'> & {
  readonly metric: string;
  readonly countedBy: readonly FunctionName[];
};

const watched: readonly Watched[] = [
  {
    metric: 'RestartFailed',
    countedBy: ['restart', 'sweep'],
    severity: 'page',
    runbook: 'restart-failed',
    says: 'A restart was given up.',
  },
  {
    metric: 'WorkspaceQuarantined',
    countedBy: ['reprobe', 'restart', 'sweep'],
    severity: 'page',
    runbook: 'workspace-quarantined',
    says: 'A workspace is restarted no more until somebody has looked.',
  },
  {
    metric: 'StuckStopping',
    countedBy: ['restart'],
    severity: 'page',
    runbook: 'stuck-stopping',
    says: 'An instance has been stopping for more than ten minutes.',
  },
  {
    metric: 'WorkspaceStuck',
    countedBy: ['forward-error', 'reprobe'],
    severity: 'page',
    runbook: 'workspace-stuck',
    says: 'An instance has been starting, stopping or not to be found for more than ten minutes.',
  },
  {
    metric: 'AgentMute',
    countedBy: ['forward-error', 'reprobe'],
    severity: 'ticket',
    runbook: 'agent-mute',
    says: 'An agent that runs has not beaten for long, and requests to it fail.',
  },
  {
    metric: 'RestartHeldBack',
    countedBy: ['restart'],
    severity: 'ticket',
    runbook: 'restart-held-back',
    says: 'A restart has waited for a quarter of an hour, and it is still not its turn.',
  },
  {
    metric: 'RestartUnjustified',
    countedBy: ['restart', 'sweep'],
    severity: 'ticket',
    runbook: 'unjustified-restart',
    says: 'A workspace was condemned that was alive.',
  },
  {
    metric: 'WorkspaceGone',
    countedBy: ['reprobe', 'restart', 'sweep'],
    severity: 'ticket',
    runbook: 'workspace-gone',
    says: 'The instance of a workspace is terminated.',
  },
];

/**
 * Alarms on what the functions count of restarts; each function counts for itself. An end of which restart did not tell is
 * told, and counted, by the sweep.
 */
export function addRestartAlarms(scope: Construct, alarms: Alarms): void {
  for (const { metric, countedBy, ...rule } of watched) {
    for (const service of countedBy) {
      const id = countedBy.length === 1 ? metric : `${metric}By${service}`;
      alarms.add(scope, id, {
        ...rule,
        metric: new Metric({
          namespace: 'Defib',
          metricName: metric,
          dimensionsMap: { service },
          statistic: 'Sum',
          period: Duration.minutes(5),
        }),
        when: { atLeast: 1 },
      });
    }
  }
}
