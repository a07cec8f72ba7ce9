/**
 * The ends of restarts: one item each, written in the transaction that ends the claim. It is the restart's part of the
 * workspace's story, and due until its news was told; a claim that opens meanwhile has nothing to do with it.
 */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { RECEIPT_LIFE_MS } from '../../core/receipt.ts';
import type { RestartRecord } from '../../core/timeline.ts';
import type { RestartEnd, RestartEnds } from '../ports/stories.ts';
import { dueKey, keyOf, ttlSeconds } from './keys.ts';
import type { Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

/** An end that nobody has told of by then is told by the sweep. */
const TOLD_DUE_AFTER_MS = 30_000;

export function putRestartEnd(table: Table, { record, ...untold }: RestartEnd) {
  return {
    Put: {
      TableName: table.name,
      Item: {
        ...keyOf.restart(untold.workspaceId, record.token),
        restart: record,
        untold,
        ttl: ttlSeconds(record.endedAtMs + RECEIPT_LIFE_MS),
        dueKey: dueKey.restartEnds,
        dueAt: record.endedAtMs + TOLD_DUE_AFTER_MS,
      },
    },
  };
}

export function restartEnds(table: Table): RestartEnds {
  const note = async (
    { workspaceId, record }: RestartEnd,
    UpdateExpression: string,
    values?: Record<string, unknown>,
  ): Promise<void> => {
    await conditionally(() =>
      table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: keyOf.restart(workspaceId, record.token),
          UpdateExpression,
          ConditionExpression: 'attribute_exists(untold)',
          ...(values && { ExpressionAttributeValues: values }),
        }),
      ),
    );
  };
  return {
    async untold(workspaceId, token) {
      const { Item: item } = await table.client.send(
        new GetCommand({
          TableName: table.name,
          Key: keyOf.restart(workspaceId, token),
          ConsistentRead: true,
        }),
      );
      if (item?.['untold'] === undefined) return undefined;
      return {
        ...(item['untold'] as Omit<RestartEnd, 'record'>),
        record: item['restart'] as RestartRecord,
      };
    },

    told: (end) => note(end, 'REMOVE untold, dueKey, dueAt'),

    tellLater: (end, dueAtMs) =>
      note(end, 'SET untold.counted = :yes, dueAt = :due', { ':yes': true, ':due': dueAtMs }),
  };
}
