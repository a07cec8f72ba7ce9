import {
  Alarm,
  ComparisonOperator,
  TreatMissingData,
  type IAlarmAction,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';

/** `page` wakes somebody now: callers are harmed. `ticket` can wait for the morning. */
export type Severity = 'page' | 'ticket';

/** Whom an alarm tells, by severity; an `SnsAction`, for instance. */
export interface AlarmActions {
  /** @default - the alarm changes its colour and tells nobody */
  readonly page?: IAlarmAction;
  /** @default - the alarm changes its colour and tells nobody */
  readonly ticket?: IAlarmAction;
}

/** The runbook's headings that alarms point to. */
export const runbookEntries = [
  'dead-letters',
  'function-errors',
  'calls-fail',
  'messages-fail',
  'events-not-published',
  'sweep-not-running',
  'sweep-fails',
  'sweep-behind',
  'parking-fails',
  'facts-in-doubt',
  'parked-not-received',
  'parked-queue-long',
  'deliveries-too-late',
  'strangers-met',
  'requests-given-up',
  'restart-failed',
  'workspace-quarantined',
  'stuck-stopping',
  'restart-held-back',
  'workspace-stuck',
  'agent-mute',
  'unjustified-restart',
  'workspace-gone',
  'the-brake-opened',
] as const;
export type RunbookEntry = (typeof runbookEntries)[number];

export interface AlarmRule {
  readonly severity: Severity;
  readonly runbook: RunbookEntry;
  /** One sentence: what is wrong. */
  readonly says: string;
  readonly metric: IMetric;
  /** `atLeast` alarms on this much or more, `below` on less. Silence breaches only a rule with `below`. */
  readonly when: { readonly atLeast: number } | { readonly below: number };
}

export interface AlarmsProps {
  readonly actions: AlarmActions;
  /** On the local stage nobody can be told, so no alarm is made. */
  readonly silent: boolean;
}

/** The only door by which alarms enter the stack, so that each has a severity and a runbook entry. */
export class Alarms extends Construct {
  readonly #props: AlarmsProps;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#props = props;
  }

  /** Adds an alarm beside the thing it watches. */
  add(scope: Construct, id: string, rule: AlarmRule): void {
    if (this.#props.silent) return;
    const wantsMore = 'below' in rule.when;
    const alarm = new Alarm(scope, id, {
      alarmDescription: `${rule.says} Severity: ${rule.severity}. Runbook: docs/runbook.md#${rule.runbook}`,
      metric: rule.metric,
      threshold: 'below' in rule.when ? rule.when.below : rule.when.atLeast,
      comparisonOperator: wantsMore
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // Queues and functions that are not used report nothing at all, which is bad only for what should run.
      treatMissingData: wantsMore ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    const action = this.#props.actions[rule.severity];
    if (action !== undefined) alarm.addAlarmAction(action);
    else {
      accept(alarm, {
        'NIST.800.53.R5-CloudWatchAlarmAction':
          'Whom an alarm tells is for the user to say, by alarmActions.',
      });
    }
  }
}
