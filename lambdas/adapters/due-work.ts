/** What the sweep looks for, from the sparse index of due times. The index may lag: every hit is read again. */
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { indexes } from '../runtime/env-names.ts';
import type { DueList, DueRow, DueWork } from '../ports/due-work.ts';
import { dueKey, keyOf, RESTART_PREFIX, type Key } from './keys.ts';
import { serverTimeOf, type Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

const keyOfRow: Record<DueList, (row: DueRow) => Key> = {
  evidence: ({ id }) => keyOf.workspace(id),
  workspaces: ({ id }) => keyOf.workspace(id),
  parked: ({ id }) => keyOf.parked(id),
  requests: ({ id }) => keyOf.request(id),
  restartEnds: ({ id, token = '' }) => keyOf.restart(id, token),
};

export function dueWork(table: Table): DueWork {
  return {
    async due(list, nowMs, { limit, from }) {
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: indexes.byDue,
          KeyConditionExpression: 'dueKey = :due AND dueAt <= :now',
          ExpressionAttributeValues: { ':due': dueKey[list], ':now': nowMs },
          Limit: limit,
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      const { LastEvaluatedKey: next } = page;
      const serverTimeMs = serverTimeOf(page);
      return {
        value: (page.Items ?? []).map(rowOf),
        ...(next && { next }),
        ...(serverTimeMs !== undefined && { serverTimeMs }),
      };
    },

    async putOff(list, row, { nowMs, dueAtMs }) {
      await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOfRow[list](row),
            UpdateExpression: 'SET dueAt = :later',
            ConditionExpression: 'dueKey = :due AND dueAt <= :now',
            ExpressionAttributeValues: { ':later': dueAtMs, ':due': dueKey[list], ':now': nowMs },
          }),
        ),
      );
    },

    async postponeParked(workspaceId, { dueAtMs, emptySinceMs }) {
      const parked = { TableName: table.name, Key: keyOf.parked(workspaceId) };
      const rested = await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            ...parked,
            UpdateExpression: 'REMOVE dueKey, dueAt, emptySinceMs',
            ConditionExpression: '#count <= :zero',
            ExpressionAttributeNames: { '#count': 'count' },
            ExpressionAttributeValues: { ':zero': 0 },
          }),
        ),
      );
      if (rested) return;
      await table.client.send(
        new UpdateCommand({
          ...parked,
          UpdateExpression:
            emptySinceMs === undefined
              ? 'SET dueAt = :due REMOVE emptySinceMs'
              : 'SET dueAt = :due, emptySinceMs = :empty',
          ExpressionAttributeValues: {
            ':due': dueAtMs,
            ...(emptySinceMs !== undefined && { ':empty': emptySinceMs }),
          },
        }),
      );
    },

    async postponeWorkspace(workspace, dueAtMs) {
      const { claim, evidence } = workspace;
      if (!claim && !evidence) return 'lost';
      const postponed = await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspace.workspaceId),
            UpdateExpression: claim ? 'SET dueAt = :due, claim.epoch = :next' : 'SET dueAt = :due',
            ConditionExpression: claim
              ? 'claim.#token = :token AND claim.epoch = :epoch'
              : 'evidence.verdictId = :verdictId AND attribute_not_exists(claim)',
            ...(claim && { ExpressionAttributeNames: { '#token': 'token' } }),
            ExpressionAttributeValues: {
              ':due': dueAtMs,
              ...(claim
                ? { ':token': claim.token, ':epoch': claim.epoch, ':next': claim.epoch + 1 }
                : { ':verdictId': evidence?.verdictId }),
            },
          }),
        ),
      );
      return postponed ? 'postponed' : 'lost';
    },
  };
}

function rowOf({ pk, sk }: Record<string, unknown>): DueRow {
  const id = String(pk).replace(/^(WS|REQ)#/, '');
  return String(sk).startsWith(RESTART_PREFIX)
    ? { id, token: String(sk).slice(RESTART_PREFIX.length) }
    : { id };
}
