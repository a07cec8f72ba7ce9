/** All that the local stack keeps: what must not change when a bad call is refused. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { admin, local } from './fleet.ts';

/** Every item of the table, as text. */
export async function allItems(): Promise<string[]> {
  const items: unknown[] = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await admin.dynamodb.send(
      new ScanCommand({
        TableName: local.tableName,
        ConsistentRead: true,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey as Record<string, never> | undefined;
  } while (start);
  return items.map((item) => JSON.stringify(item)).sort();
}

/** How many messages a queue holds, those in flight too. */
export async function depthOf(url: string): Promise<number> {
  const { Attributes = {} } = await admin.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
}

/**
 * What the table holds of these ids, and how much lies in the queues. Items of others are left out: the sweep may look
 * after a workspace of another test at any moment.
 */
export async function snapshotOf(
  ...ids: string[]
): Promise<{ items: string[]; queues: Record<string, number> }> {
  const items = (await allItems()).filter((item) => ids.some((id) => item.includes(id)));
  const depths = Object.entries(local.queues).map(async ([name, url]) => [name, await depthOf(url)] as const);
  return { items, queues: Object.fromEntries(await Promise.all(depths)) };
}

export interface KeptMessage {
  readonly body: string;
  /** SQS's own and the sender's, as text. */
  readonly attributes: string;
}

/** Every message that can be received now. It comes back after two seconds. */
export async function allMessages(url: string): Promise<KeptMessage[]> {
  const found: KeptMessage[] = [];
  for (;;) {
    const { Messages = [] } = await admin.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 2,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return found;
    found.push(
      ...Messages.map(({ Body = '', Attributes, MessageAttributes }) => ({
        body: Body,
        attributes: JSON.stringify({ Attributes, MessageAttributes }),
      })),
    );
  }
}
