/** The bench of an emulator: the SDK's real clients, a table, queues and a bus of its own, and real time. */
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTable } from '../../lambdas/adapters/table.ts';
import { adminCredentials, localRegion } from '../../local/admin.ts';
import { indexKeys, tableKey, type KeySchema } from '../simulator/aws/dynamodb/schema.ts';
import type { Bench, QueueWish, Service } from './bench.ts';

export interface Endpoints {
  readonly services: readonly Service[];
  readonly url: string;
  /** Where EC2 is, if elsewhere. */
  readonly ec2Url?: string;
}

export async function sdkBench({ services, url, ec2Url = url }: Endpoints): Promise<Bench> {
  const config = { region: localRegion, credentials: adminCredentials, endpoint: url };
  const clients = {
    dynamodb: new DynamoDBClient(config),
    sqs: new SQSClient(config),
    ec2: new EC2Client({ ...config, endpoint: ec2Url }),
    events: new EventBridgeClient(config),
  };
  const run = `contract-${process.pid}-${Date.now() % 100_000}`;
  let count = 0;
  const queues: string[] = [];
  const instances: string[] = [];
  if (services.includes('dynamodb')) await makeTable(clients.dynamodb, run);
  if (services.includes('eventbridge')) await clients.events.send(new CreateEventBusCommand({ Name: run }));
  return {
    nowMs: () => Date.now(),
    wait: (seconds) => sleep(seconds * 1000),
    table: openTable(run, clients.dynamodb),
    newKey: () => ({ pk: `CONTRACT#${++count}`, sk: 'STATE' }),
    sqs: clients.sqs,
    newQueue: async (wish = {}) => {
      const queue = await makeQueue(clients.sqs, `${run}-${++count}`, wish);
      queues.push(queue);
      return queue;
    },
    ec2: clients.ec2,
    launch: async (tags = {}) => {
      const id = await launched(clients.ec2, tags);
      instances.push(id);
      return id;
    },
    events: clients.events,
    busName: run,
    close: async () => {
      for (const queue of queues) await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: queue }));
      // Some were terminated by their own test; the emulator ends with the run anyway.
      if (instances.length > 0)
        await clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: instances })).catch(() => {});
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

async function makeTable(client: DynamoDBClient, name: string): Promise<void> {
  const schemaOf = ({ partition, sort }: KeySchema) => [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: schemaOf(tableKey),
      AttributeDefinitions: [tableKey, ...indexKeys].flatMap(({ partition, sort, sortKind }) => [
        { AttributeName: partition, AttributeType: 'S' as const },
        { AttributeName: sort, AttributeType: sortKind },
      ]),
      GlobalSecondaryIndexes: indexKeys.map((index) => ({
        IndexName: index.name,
        KeySchema: schemaOf(index),
        Projection: { ProjectionType: 'KEYS_ONLY' as const },
      })),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: name });
}

async function makeQueue(client: SQSClient, name: string, wish: QueueWish): Promise<string> {
  const { fifo, visibilitySeconds, delaySeconds, largestBytes, deadLetters } = wish;
  const given = (field: string, value: number | undefined) =>
    value === undefined ? {} : { [field]: String(value) };
  const redrive = deadLetters && {
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: await arnOf(client, deadLetters.url),
      maxReceiveCount: deadLetters.maxReceiveCount,
    }),
  };
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({
      QueueName: fifo === true ? `${name}.fifo` : name,
      Attributes: {
        ...given('VisibilityTimeout', visibilitySeconds),
        ...given('DelaySeconds', delaySeconds),
        MaximumMessageSize: String(largestBytes ?? 1_048_576),
        ...(fifo === true && {
          FifoQueue: 'true',
          DeduplicationScope: 'messageGroup',
          FifoThroughputLimit: 'perMessageGroupId',
        }),
        ...redrive,
      },
    }),
  );
  return QueueUrl ?? '';
}

async function arnOf(client: SQSClient, url: string): Promise<string> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.['QueueArn'] ?? '';
}

async function launched(client: EC2Client, tags: Readonly<Record<string, string>>): Promise<string> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { Instances } = await client.send(
    new RunInstancesCommand({
      ImageId: 'ami-12345678',
      MinCount: 1,
      MaxCount: 1,
      ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: 'instance', Tags }] }),
    }),
  );
  return Instances?.[0]?.InstanceId ?? '';
}
