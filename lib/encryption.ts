import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';
import type { Grantee } from './grantee.ts';
import { keptOffLocal, type LocalStage } from './local-stage.ts';

/**
 * Whose key encrypts the table, the queues, the bus and the logs: one made here, which rotates every year and whose
 * use CloudTrail shows, or AWS's own, which cost nothing.
 */
export type EncryptionKey = 'customer-managed' | 'aws-owned';

/** What a function does with what a service keeps under the key. */
const uses = {
  opens: ['kms:Decrypt', 'kms:DescribeKey'],
  // SQS opens the data key again that it has made; DynamoDB writes anew what an update has read.
  seals: [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ],
} as const;
type Service = 'dynamodb' | 'sqs';

/** Each data key costs a call of KMS, and lasts a queue this long. */
const dataKeyReuse = Duration.hours(1);

/** Encryption at rest, with the key if there is one. */
export class Encryption extends Construct {
  /** Undefined where AWS's own keys are used. */
  readonly key: Key | undefined;

  constructor(scope: Construct, id: string, kind: EncryptionKey) {
    super(scope, id);
    if (kind === 'aws-owned') return;
    this.key = new Key(this, 'Key', {
      description: 'Defib: table, queues, events and logs',
      enableKeyRotation: true,
      // Without it the table and the promises in it are noise.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.#forLogs(this.key);
  }

  /** A log group, for a month. */
  logGroup(scope: Construct, id: string, local: LocalStage | undefined): LogGroup {
    const logs = new LogGroup(scope, id, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: keptOffLocal(local),
      ...(this.key && { encryptionKey: this.key }),
    });
    if (this.key === undefined) {
      accept(logs, {
        'NIST.800.53.R5-CloudWatchLogGroupEncrypted':
          "Encrypted by AWS's own key, as encryptionKey asks for.",
      });
    }
    return logs;
  }

  /** How a queue is encrypted. */
  get ofQueues(): QueueProps {
    if (this.key === undefined) return { encryption: QueueEncryption.SQS_MANAGED };
    return { encryption: QueueEncryption.KMS, encryptionMasterKey: this.key, dataKeyReuse };
  }

  /** Lets a function use the key, by way of one service only. */
  usedBy(fn: Grantee, { does, by }: { readonly does: keyof typeof uses; readonly by: Service }): void {
    if (this.key === undefined) return;
    const { region, urlSuffix } = Stack.of(this);
    fn.allow(uses[does], [this.key.keyArn], {
      StringEquals: { 'kms:ViaService': `${by}.${region}.${urlSuffix}` },
    });
  }

  /** CloudWatch Logs asks in its own name, so the key itself must let it in. */
  #forLogs(key: Key): void {
    const stack = Stack.of(this);
    const logGroups = stack.formatArn({ service: 'logs', resource: 'log-group:*' });
    key.grant(
      new ServicePrincipal(`logs.${stack.region}.amazonaws.com`, {
        conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logGroups } },
      }),
      ...[
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:GenerateDataKey',
        'kms:DescribeKey',
      ],
    );
  }
}
