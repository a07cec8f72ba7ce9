import { Duration, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import { accept } from './accepted.ts';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import { addRestartAlarms } from './restart-alarms.ts';
import { WorkQueue } from './work-queue.ts';

/** The tag that says of an instance that it belongs to this fleet. */
export interface WorkspaceTag {
  readonly key: string;
  readonly value: string;
}

export interface RestartingProps {
  readonly foundations: Foundations;
  readonly workspaceTag: WorkspaceTag;
  /** Keys of the customer that encrypt volumes of workspaces. */
  readonly volumeKeys: readonly IKey[];
  /** The queue whose waiting head is woken when a workspace is back. */
  readonly parked: WorkQueue;
  readonly maxConcurrency: number;
}

/** Brings condemned workspaces back. Its function alone may start and stop instances, and only tagged ones. */
export class Restarting extends Construct {
  readonly restarts: WorkQueue;
  readonly restart: DefibFunction;

  constructor(scope: Construct, id: string, props: RestartingProps) {
    super(scope, id);
    const { foundations } = props;
    this.restarts = new WorkQueue(this, 'Restarts', {
      urlNames: { queue: env.restartQueueUrl, deadLetters: env.restartDlqUrl },
      kind: 'standard',
      visibilityTimeout: Duration.minutes(2),
      // A restart waits here for admission and for its instance; attempts are counted in the claim.
      maxReceiveCount: 1000,
      retention: Duration.days(4),
      foundations,
    });
    this.restart = new DefibFunction(this, 'Restart', {
      name: 'restart',
      description: 'Takes the next step of a restart, by the state of the instance',
      foundations,
      holdsPower: true,
    });
    foundations.state.usedBy(this.restart, { does: 'decides' });
    foundations.events.publishedBy(this.restart);
    this.restart.mayDescribeInstances();
    this.restarts.workedBy(this.restart, { batchSize: 10, maxConcurrency: props.maxConcurrency });
    this.restarts.buriedBy(this.restart);
    props.parked.hurriedBy(this.restart);
    addRestartAlarms(this, foundations.alarms);
    this.#mayStartAndStop(props.workspaceTag);
    this.#mayUseVolumeKeys(props.volumeKeys);
  }

  #mayStartAndStop(tag: WorkspaceTag): void {
    const instances = Stack.of(this).formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' });
    this.restart.allow(['ec2:StartInstances', 'ec2:StopInstances'], [instances], {
      StringEquals: { [`aws:ResourceTag/${tag.key}`]: tag.value },
    });
    accept(this.restart, {
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*]':
        "The fleet's instances come and go; their tag is what binds the right to them.",
    });
  }

  /** EC2 takes a grant on the key in the caller's name to attach an encrypted volume at the start. */
  #mayUseVolumeKeys(keys: readonly IKey[]): void {
    if (keys.length === 0) return;
    this.restart.allow(
      ['kms:CreateGrant'],
      keys.map((key) => key.keyArn),
      { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    );
  }
}
