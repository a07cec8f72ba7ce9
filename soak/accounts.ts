/** Reads the ledger's account when all is over: through the API, and the counters from the table itself. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';

import type { AdminClients } from '../local/clients.ts';
import type { LocalInfo } from '../local/local-info.ts';
import type { DefibApi } from './defib-api.ts';
import { finalStates, type LedgerEntry, type LeftOver } from './records.ts';

const readsAtOnce = 6;

/** What the API says of each request that was promised or seen at last. */
export async function readLedger(
  defib: DefibApi,
  requestIds: ReadonlySet<string>,
  onRead: (entry: LedgerEntry) => void,
): Promise<Map<string, LedgerEntry>> {
  const ledger = new Map<string, LedgerEntry>();
  const ids = requestIds.values();
  const read = async (): Promise<void> => {
    for (const requestId of ids) {
      const entry = await defib.request(requestId);
      if (!entry) continue;
      ledger.set(requestId, entry);
      onRead(entry);
    }
  };
  // They share one iterator, so each id is read once.
  await Promise.all(Array.from({ length: readsAtOnce }, read));
  return ledger;
}

export async function readLeftOver(
  parts: { defib: DefibApi; admin: AdminClients; info: LocalInfo },
  workspaceId: string,
): Promise<LeftOver> {
  const { defib, admin, info } = parts;
  const { Item } = await admin.dynamodb.send(
    new GetItemCommand({
      TableName: info.tableName,
      Key: { pk: { S: `WS#${workspaceId}` }, sk: { S: 'PARKED' } },
      ConsistentRead: true,
    }),
  );
  const ended = [];
  for (const state of finalStates) {
    const listed = await defib.list(workspaceId, state);
    ended.push(...listed.map(({ requestId }) => ({ requestId, state })));
  }
  return {
    workspaceId,
    count: Number(Item?.['count']?.N ?? 0),
    bytes: Number(Item?.['bytes']?.N ?? 0),
    parked: await defib.parkedOf(workspaceId),
    waiting: (await defib.list(workspaceId)).map(({ requestId }) => requestId),
    ended,
  };
}

/** Messages in a queue, those in flight and those delayed among them. */
export async function depthOf(admin: AdminClients, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await admin.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}
