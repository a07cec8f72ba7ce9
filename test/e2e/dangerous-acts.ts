/** What could do harm at EC2, SQS and DynamoDB, and the roles that may do it all the same. No act here changes anything. */
import {
  BatchWriteItemCommand,
  CreateBackupCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  ModifyInstanceAttributeCommand,
  RebootInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import {
  AddPermissionCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { FunctionKey, QueueKey } from '../../local/local-info.ts';
import { local } from './fleet.ts';

export interface Clients {
  readonly ec2: EC2Client;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
}

export interface Act {
  readonly name: string;
  readonly does: (clients: Clients, instanceId: string) => Promise<unknown>;
  /** Functions whose role may; all other roles may not. */
  readonly may: readonly FunctionKey[];
}

const act = (name: string, may: readonly FunctionKey[], does: Act['does']): Act => ({ name, may, does });
const power = (instanceId: string) => ({ InstanceIds: [instanceId], DryRun: true });

/** Denied to every function by name, whatever else is attached to its role. */
export const deniedByName: readonly Act[] = [
  act('ec2:TerminateInstances', [], ({ ec2 }, id) => ec2.send(new TerminateInstancesCommand(power(id)))),
  act('ec2:RebootInstances', [], ({ ec2 }, id) => ec2.send(new RebootInstancesCommand(power(id)))),
  act('ec2:CreateTags', [], ({ ec2 }, id) =>
    ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [local.workspaceTag] })),
  ),
  act('ec2:DeleteTags', [], ({ ec2 }, id) =>
    ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'x' }] })),
  ),
  act('ec2:ModifyInstanceAttribute', [], ({ ec2 }, id) =>
    ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, UserData: { Value: new Uint8Array() } })),
  ),
  ...(Object.keys(local.queues) as QueueKey[]).map((queue) =>
    act(`sqs:PurgeQueue on ${queue}`, [], ({ sqs }) =>
      sqs.send(new PurgeQueueCommand({ QueueUrl: local.queues[queue] })),
    ),
  ),
];

const onlyRestart: readonly Act[] = [
  act('ec2:StopInstances', ['restart'], ({ ec2 }, id) => ec2.send(new StopInstancesCommand(power(id)))),
  act('ec2:StartInstances', ['restart'], ({ ec2 }, id) => ec2.send(new StartInstancesCommand(power(id)))),
];

const launches = act('ec2:RunInstances', [], ({ ec2 }) =>
  ec2.send(new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1, DryRun: true })),
);

interface QueueUse {
  readonly fills: readonly FunctionKey[];
  readonly works: readonly FunctionKey[];
  readonly settles?: readonly FunctionKey[];
  readonly hurries: readonly FunctionKey[];
}
/** Who may put messages into a queue, work through it, settle what another one has handed on, and wake or put off. */
const uses: Record<QueueKey, QueueUse> = {
  reprobe: { fills: ['forwardError', 'deliver', 'sweep'], works: ['reprobe'], hurries: ['reprobe'] },
  restart: { fills: ['reprobe', 'operate', 'sweep'], works: ['restart'], hurries: ['restart'] },
  parked: {
    fills: ['forwardError', 'operate'],
    works: ['receive'],
    settles: ['deliver'],
    hurries: ['receive', 'deliver', 'reprobe', 'restart', 'heartbeat', 'operate'],
  },
  deliveries: { fills: ['receive'], works: ['deliver'], hurries: ['deliver'] },
  reprobeDlq: { fills: ['reprobe'], works: [], hurries: [] },
  restartDlq: { fills: ['restart'], works: [], hurries: [] },
  parkedDlq: { fills: ['receive'], works: [], hurries: [] },
  deliveriesDlq: { fills: ['deliver'], works: [], hurries: [] },
};

const onQueues = (Object.keys(uses) as QueueKey[]).flatMap((queue): Act[] => {
  const { fills, works, settles = [], hurries } = uses[queue];
  const QueueUrl = local.queues[queue];
  const handle = { QueueUrl, ReceiptHandle: 'no-such-handle' };
  return [
    // An empty message: whoever may send is told so, and nothing is sent.
    act(`sqs:SendMessage to ${queue}`, fills, ({ sqs }) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '' })),
    ),
    act(`sqs:ReceiveMessage on ${queue}`, works, ({ sqs }) =>
      sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 })),
    ),
    act(`sqs:DeleteMessage on ${queue}`, [...works, ...settles], ({ sqs }) =>
      sqs.send(new DeleteMessageCommand(handle)),
    ),
    act(`sqs:ChangeMessageVisibility on ${queue}`, hurries, ({ sqs }) =>
      sqs.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 })),
    ),
    act(`sqs:DeleteQueue on ${queue}`, [], ({ sqs }) => sqs.send(new DeleteQueueCommand({ QueueUrl }))),
    act(`sqs:SetQueueAttributes on ${queue}`, [], ({ sqs }) =>
      sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: '' } })),
    ),
    act(`sqs:AddPermission on ${queue}`, [], ({ sqs }) =>
      sqs.send(
        new AddPermissionCommand({
          QueueUrl,
          Label: 'x',
          AWSAccountIds: ['000000000000'],
          Actions: ['SendMessage'],
        }),
      ),
    ),
  ];
});

const arnOf = (url: string) => `arn:aws:sqs:${local.region}:000000000000:${url.split('/').at(-1) ?? ''}`;
const moves = (['reprobeDlq', 'restartDlq', 'parkedDlq', 'deliveriesDlq'] as const).map((queue) =>
  act(`sqs:StartMessageMoveTask from ${queue}`, [], ({ sqs }) =>
    sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arnOf(local.queues[queue]) })),
  ),
);

const readers: readonly FunctionKey[] = [
  'forwardError',
  'reprobe',
  'restart',
  'deliver',
  'heartbeat',
  'sweep',
  'lookup',
  'operate',
  'instanceChange',
];
const deciders = readers.filter((name) => !['heartbeat', 'lookup', 'instanceChange'].includes(name));
const never = { ConditionExpression: 'attribute_exists(thisIsNever)' };
const key = { pk: { S: 'WS#nobody' }, sk: { S: 'STATE' } };
const TableName = local.tableName;

const onTable: readonly Act[] = [
  act('dynamodb:GetItem', readers, ({ dynamodb }) =>
    dynamodb.send(new GetItemCommand({ TableName, Key: key })),
  ),
  act('dynamodb:Query', [...deciders, 'lookup'], ({ dynamodb }) =>
    dynamodb.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': key.pk },
      }),
    ),
  ),
  act('dynamodb:PutItem', deciders, ({ dynamodb }) =>
    dynamodb.send(new PutItemCommand({ TableName, Item: key, ...never })),
  ),
  act('dynamodb:DeleteItem', deciders, ({ dynamodb }) =>
    dynamodb.send(new DeleteItemCommand({ TableName, Key: key, ...never })),
  ),
  act('dynamodb:UpdateItem', [...deciders, 'heartbeat', 'instanceChange'], ({ dynamodb }) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: key,
        UpdateExpression: 'SET a = :a',
        ExpressionAttributeValues: { ':a': { S: 'x' } },
        ...never,
      }),
    ),
  ),
  act('dynamodb:Scan', [], ({ dynamodb }) => dynamodb.send(new ScanCommand({ TableName, Limit: 1 }))),
  act('dynamodb:BatchWriteItem', [], ({ dynamodb }) =>
    dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key: key } }] } }),
    ),
  ),
  act('dynamodb:PartiQLSelect', [], ({ dynamodb }) =>
    dynamodb.send(new ExecuteStatementCommand({ Statement: `SELECT * FROM "${TableName}"`, Limit: 1 })),
  ),
  act('dynamodb:DeleteTable', [], ({ dynamodb }) => dynamodb.send(new DeleteTableCommand({ TableName }))),
  act('dynamodb:UpdateTable', [], ({ dynamodb }) =>
    dynamodb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false })),
  ),
  act('dynamodb:UpdateTimeToLive', [], ({ dynamodb }) =>
    dynamodb.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName: 'pk', Enabled: false },
      }),
    ),
  ),
  act('dynamodb:UpdateContinuousBackups', [], ({ dynamodb }) =>
    dynamodb.send(
      new UpdateContinuousBackupsCommand({
        TableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
      }),
    ),
  ),
  act('dynamodb:CreateBackup', [], ({ dynamodb }) =>
    dynamodb.send(new CreateBackupCommand({ TableName, BackupName: 'access-test' })),
  ),
];

export const dangerousActs: readonly Act[] = [
  ...deniedByName,
  ...onlyRestart,
  launches,
  ...onQueues,
  ...moves,
  ...onTable,
];
