import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import { keptOffLocal } from './local-stage.ts';

export interface InstanceChangesProps {
  readonly foundations: Foundations;
}

/** Hears from EC2 that an instance starts, whoever started it, and lets its workspace settle. */
export class InstanceChanges extends Construct {
  readonly instanceChange: DefibFunction;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { foundations }: InstanceChangesProps) {
    super(scope, id);
    const { local, alarms } = foundations;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: local === undefined,
      retentionPeriod: Duration.days(14),
      removalPolicy: keptOffLocal(local),
    });
    accept(this.deadLetters, {
      'Serverless-SQSRedrivePolicy': 'It is a dead letter queue itself.',
    });
    if (local)
      accept(this.deadLetters, { 'Defib-KeptWithTheStackGone': 'Nothing on an emulator is worth keeping.' });
    alarms.add(this, 'DeadLettersNotEmpty', {
      severity: 'ticket',
      runbook: 'dead-letters',
      says: `Events of ${this.node.path} were given up.`,
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      when: { atLeast: 1 },
    });
    this.instanceChange = new DefibFunction(this, 'InstanceChange', {
      name: 'instance-change',
      description: 'Lets a workspace settle when EC2 says that its instance starts',
      foundations,
      deadLetters: this.deadLetters,
    });
    foundations.state.usedBy(this.instanceChange, { does: 'settles' });
    new Rule(this, 'InstanceStarts', {
      description: 'Instances that start, of which some are workspaces of Defib',
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { state: ['pending', 'running'] },
      },
      targets: [
        new LambdaFunction(this.instanceChange.lambda, {
          deadLetterQueue: this.deadLetters,
          retryAttempts: 3,
          // An older one would open no window any more.
          maxEventAge: Duration.hours(1),
        }),
      ],
    });
  }
}
