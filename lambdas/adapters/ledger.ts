/**
 * The ledger: what became of each parked request. Final states are reached once; each write names the states it may
 * come from, so a late worker changes nothing (S24). Counters change in the same transaction as the row they count.
 */
import { GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ACCEPTING_LIFE_MS, MOST_PARKED_BYTES, type ParkedRequest } from '../../core/parking.ts';
import { indexes } from '../runtime/env-names.ts';
import type { KeptResponse, Ledger, QueueHead } from '../ports.ts';
import { dueKey, keyOf, listKey, ttlSeconds } from './keys.ts';
import { judgedItems } from './receipt-store.ts';
import { cursorOf, failedConditions, keyOfCursor, retryingConflicts, type Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

/** Rows and responses stay readable for this long after the request has ended. */
const KEPT_AFTER_END_MS = 7 * 24 * 60 * 60_000;

export function ledger(table: Table): Ledger {
  const update = (
    requestId: string,
    change: Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName' | 'Key'>,
  ) =>
    conditionally(() =>
      table.client.send(
        new UpdateCommand({ TableName: table.name, Key: keyOf.request(requestId), ...change }),
      ),
    );

  return {
    async accept(acceptance) {
      const { request } = acceptance;
      const judged = judgedItems(table, acceptance);
      const rowIndex = judged.length;
      try {
        await retryingConflicts(() =>
          table.client.send(
            new TransactWriteCommand({
              TransactItems: [
                ...judged,
                putRequest(table, request),
                countIn(table, request, acceptance.parkedMax),
              ],
            }),
          ),
        );
        return 'accepted';
      } catch (error) {
        const failed = failedConditions(error);
        if (!failed) throw error;
        // Our own row in the way means that our first try was done and only its answer was lost.
        if (failed.includes(rowIndex)) return 'accepted';
        return failed.includes(rowIndex + 1) ? 'full' : 'repeated';
      }
    },

    async markParked(request, atMs) {
      const marked = await update(request.requestId, {
        UpdateExpression: 'SET #state = :parked, parkedAtMs = :at, dueAt = :due',
        ConditionExpression: '#state = :accepting',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':parked': 'parked',
          ':accepting': 'accepting',
          ':at': atMs,
          ':due': request.expiresAtMs,
        },
      });
      if (marked) return true;
      const found = await readRequest(table, request.requestId);
      return found?.state === 'parked' || found?.state === 'delivering' || found?.state === 'delivered';
    },

    read: (requestId) => readRequest(table, requestId),

    async beginAttempt(request, nowMs) {
      const begun = await update(request.requestId, {
        UpdateExpression:
          'SET #state = :delivering, attempts = :next, ambiguous = :ambiguous REMOVE notBeforeMs',
        ConditionExpression:
          '#state IN (:parked, :delivering) AND attempts = :attempts AND expiresAtMs > :now',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':delivering': 'delivering',
          ':parked': 'parked',
          ':attempts': request.attempts,
          ':next': request.attempts + 1,
          ':ambiguous': request.ambiguous,
          ':now': nowMs,
        },
      });
      return begun ? 'begun' : 'lost';
    },

    async putBack(request, why, ambiguous) {
      await update(request.requestId, {
        UpdateExpression: 'SET #state = :parked, why = :why, ambiguous = :ambiguous',
        ConditionExpression: '#state = :delivering AND attempts = :attempts',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':parked': 'parked',
          ':delivering': 'delivering',
          ':why': why,
          ':ambiguous': ambiguous || request.ambiguous,
          ':attempts': request.attempts,
        },
      });
    },

    async finish(request, end) {
      try {
        await retryingConflicts(() =>
          table.client.send(
            new TransactWriteCommand({
              TransactItems: [
                endRequest(table, request, end),
                countOut(table, request),
                ...forgetKey(table, request, end),
                ...(end.response ? [putResponse(table, request.requestId, end.response, end.atMs)] : []),
              ],
            }),
          ),
        );
        return 'finished';
      } catch (error) {
        if (failedConditions(error)?.includes(0)) return 'was-final';
        throw error;
      }
    },

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

    async listRequests(workspaceId, { limit, cursor, ended }) {
      const list = ended ? listKey.ended(workspaceId) : listKey.waiting(workspaceId);
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: indexes.byList,
          KeyConditionExpression: 'listKey = :list',
          ExpressionAttributeValues: { ':list': list },
          ScanIndexForward: !ended,
          Limit: limit,
          ExclusiveStartKey: keyOfCursor(cursor, { listKey: list }),
        }),
      );
      const ids = (page.Items ?? []).map((item) => String(item['listSort']));
      const rows = await Promise.all(ids.map((id) => readRequest(table, id)));
      return { requests: rows.filter((row) => row !== undefined), ...cursorOf(page.LastEvaluatedKey) };
    },

    async parkedCount(workspaceId) {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.parked(workspaceId), ConsistentRead: true }),
      );
      return Number(output.Item?.['count'] ?? 0);
    },

    async noteHead(workspaceId, head) {
      await retryingConflicts(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.parked(workspaceId),
            UpdateExpression: 'SET head = :head',
            ExpressionAttributeValues: { ':head': head },
          }),
        ),
      );
    },

    async headOf(workspaceId) {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.parked(workspaceId), ConsistentRead: true }),
      );
      return output.Item?.['head'] as QueueHead | undefined;
    },
  };
}

async function readRequest(table: Table, requestId: string): Promise<ParkedRequest | undefined> {
  const output = await table.client.send(
    new GetCommand({ TableName: table.name, Key: keyOf.request(requestId), ConsistentRead: true }),
  );
  return output.Item as ParkedRequest | undefined;
}

function putRequest(table: Table, request: ParkedRequest) {
  return {
    Put: {
      TableName: table.name,
      Item: {
        ...keyOf.request(request.requestId),
        ...request,
        listKey: listKey.waiting(request.workspaceId),
        listSort: request.requestId,
        dueKey: dueKey.requests,
        dueAt: request.acceptedAtMs + ACCEPTING_LIFE_MS,
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  };
}

/** Counts a request in, exactly: over either limit the whole transaction is refused. */
function countIn(table: Table, request: ParkedRequest, parkedMax: number) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.parked(request.workspaceId),
      UpdateExpression:
        'SET #count = if_not_exists(#count, :zero) + :one, #bytes = if_not_exists(#bytes, :zero) + :size',
      ConditionExpression:
        '(attribute_not_exists(#count) OR #count < :most) AND (attribute_not_exists(#bytes) OR #bytes <= :room)',
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: {
        ':zero': 0,
        ':one': 1,
        ':size': request.bodyBytes,
        ':most': parkedMax,
        ':room': MOST_PARKED_BYTES - request.bodyBytes,
      },
    },
  };
}

function countOut(table: Table, request: ParkedRequest) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.parked(request.workspaceId),
      UpdateExpression: 'SET #count = #count - :one, #bytes = #bytes - :size',
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: { ':one': 1, ':size': request.bodyBytes },
    },
  };
}

function endRequest(table: Table, request: ParkedRequest, end: Parameters<Ledger['finish']>[1]) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.request(request.requestId),
      UpdateExpression:
        `SET #state = :state, finishedAtMs = :at, listKey = :ended, #ttl = :ttl${end.why === undefined ? '' : ', why = :why'}` +
        ' REMOVE dueKey, dueAt',
      ConditionExpression:
        '#state IN (:accepting, :parked, :delivering)' + (end.onlyFrom ? ' AND #state = :from' : ''),
      ExpressionAttributeNames: { '#state': 'state', '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':state': end.state,
        ...(end.why !== undefined && { ':why': end.why }),
        ':at': end.atMs,
        ':ended': listKey.ended(request.workspaceId),
        ':ttl': ttlSeconds(end.atMs + KEPT_AFTER_END_MS),
        ':accepting': 'accepting',
        ':parked': 'parked',
        ':delivering': 'delivering',
        ...(end.onlyFrom && { ':from': end.onlyFrom }),
      },
    },
  };
}

/** A request that was never promised must not hold its idempotency key: a repeat would be told a 202 that is none. */
function forgetKey(table: Table, request: ParkedRequest, end: Parameters<Ledger['finish']>[1]) {
  if (end.onlyFrom !== 'accepting' || request.callersKey === undefined) return [];
  const { caller: principal, workspaceId, callersKey: key } = request;
  return [{ Delete: { TableName: table.name, Key: keyOf.idempotency({ principal, workspaceId, key }) } }];
}

function putResponse(table: Table, requestId: string, response: KeptResponse, atMs: number) {
  return {
    Put: {
      TableName: table.name,
      Item: { ...keyOf.response(requestId), response, ttl: ttlSeconds(atMs + KEPT_AFTER_END_MS) },
    },
  };
}
