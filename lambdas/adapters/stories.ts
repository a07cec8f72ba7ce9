/** What a workspace's story is read from: receipts, orders, requests and restarts, each sorted by a ULID. */
import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { OrderRecord, RestartRecord } from '../../core/timeline.ts';
import { indexes } from '../runtime/env-names.ts';
import type { Stories } from '../ports/stories.ts';
import { keyOf, listKey, ORDER_PREFIX, RESTART_PREFIX, VERDICT_PREFIX } from './keys.ts';
import { readRequest } from './ledger-reads.ts';
import { readReceipt } from './receipt-store.ts';
import type { Table } from './table.ts';

interface Part {
  readonly workspaceId: string;
  readonly prefix: string;
  readonly upToId: string;
  readonly limit: number;
}

export function stories(table: Table): Stories {
  /** What can't be read is passed over, and a page that ended early, by its size, is gone on with. */
  const newest = async <T>(
    { workspaceId, prefix, upToId, limit }: Part,
    read: (item: Record<string, unknown>) => T | undefined,
  ): Promise<T[]> => {
    const found: T[] = [];
    let from: Record<string, unknown> | undefined;
    do {
      const page: QueryCommandOutput = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
          ExpressionAttributeValues: {
            ':pk': keyOf.workspace(workspaceId).pk,
            ':first': prefix,
            ':last': `${prefix}${upToId}`,
          },
          ScanIndexForward: false,
          Limit: limit,
          ExclusiveStartKey: from,
        }),
      );
      found.push(...(page.Items ?? []).flatMap((item) => read(item) ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined && found.length < limit);
    return found.slice(0, limit);
  };
  const requestIds = async (list: string, upToId: string, limit: number): Promise<string[]> => {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        IndexName: indexes.byList,
        KeyConditionExpression: 'listKey = :list AND listSort <= :id',
        ExpressionAttributeValues: { ':list': list, ':id': upToId },
        ScanIndexForward: false,
        Limit: limit,
      }),
    );
    return (page.Items ?? []).map((item) => String(item['listSort']));
  };
  return {
    verdicts: (workspaceId, upToId, limit) =>
      newest({ workspaceId, prefix: VERDICT_PREFIX, upToId, limit }, readReceipt),

    orders: (workspaceId, upToId, limit) =>
      newest({ workspaceId, prefix: ORDER_PREFIX, upToId, limit }, (item) => item['order'] as OrderRecord),

    restarts: (workspaceId, upToId, limit) =>
      newest(
        { workspaceId, prefix: RESTART_PREFIX, upToId, limit },
        (item) => item['restart'] as RestartRecord,
      ),

    async requests(workspaceId, upToId, limit) {
      const [waiting, ended] = await Promise.all([
        requestIds(listKey.waiting(workspaceId), upToId, limit),
        requestIds(listKey.ended(workspaceId), upToId, limit),
      ]);
      // The index lags: one that ends just now may stand in both lists.
      const newest = [...new Set([...waiting, ...ended])].toSorted().toReversed().slice(0, limit);
      const rows = await Promise.all(newest.map((id) => readRequest(table, id)));
      return rows.filter((row) => row !== undefined);
    },
  };
}
