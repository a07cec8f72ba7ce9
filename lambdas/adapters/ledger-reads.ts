/** Reads of the ledger. Lists and positions come from an index, which may lag; a row itself is read consistently. */
import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { ParkedRequest } from '../../core/parking.ts';
import { indexes } from '../runtime/env-names.ts';
import type { KeptResponse, Ledger } from '../ports/ledger.ts';
import { keyOf, listKey } from './keys.ts';
import { cursorOf, keyOfCursor, type Table } from './table.ts';

type Reads = Pick<Ledger, 'read' | 'readResponse' | 'countBefore' | 'listRequests'>;

export function ledgerReads(table: Table): Reads {
  return {
    read: (requestId) => readRequest(table, requestId),

    async readResponse(requestId) {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.response(requestId) }),
      );
      return output.Item?.['response'] as KeptResponse | undefined;
    },

    async countBefore(workspaceId, requestId) {
      const output = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: indexes.byList,
          KeyConditionExpression: 'listKey = :list AND listSort < :id',
          ExpressionAttributeValues: { ':list': listKey.waiting(workspaceId), ':id': requestId },
          Select: 'COUNT',
        }),
      );
      return output.Count ?? 0;
    },

    listRequests: (workspaceId, { limit, cursor, ended, newestFirst = ended }) =>
      listedRequests(table, {
        list: ended ? listKey.ended(workspaceId) : listKey.waiting(workspaceId),
        limit,
        cursor,
        newestFirst,
      }),
  };
}

export async function readRequest(table: Table, requestId: string): Promise<ParkedRequest | undefined> {
  const output = await table.client.send(
    new GetCommand({ TableName: table.name, Key: keyOf.request(requestId), ConsistentRead: true }),
  );
  return output.Item as ParkedRequest | undefined;
}

/** A page of the requests that an index partition names. */
export async function listedRequests(
  table: Table,
  of: {
    readonly list: string;
    readonly limit: number;
    readonly cursor: string | undefined;
    readonly newestFirst: boolean;
  },
): Promise<{ requests: ParkedRequest[]; cursor?: string }> {
  const page = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      IndexName: indexes.byList,
      KeyConditionExpression: 'listKey = :list',
      ExpressionAttributeValues: { ':list': of.list },
      ScanIndexForward: !of.newestFirst,
      Limit: of.limit,
      ExclusiveStartKey: keyOfCursor(of.cursor, {
        listKey: of.list,
        listSort: /^[0-9A-Z]{26}$/,
        pk: /^REQ#[0-9A-Z]{26}$/,
        sk: /^(REQUEST|DEAD-LETTER)$/,
      }),
    }),
  );
  const ids = (page.Items ?? []).map((item) => String(item['listSort']));
  const rows = await Promise.all(ids.map((id) => readRequest(table, id)));
  return { requests: rows.filter((row) => row !== undefined), ...cursorOf(page.LastEvaluatedKey) };
}
