/** What the sweep looks for, from the sparse index of due times. The index may lag: every hit is read again. */
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { indexes } from '../runtime/env-names.ts';
import type { DueWork } from '../ports/due-work.ts';
import type { Read } from '../ports/read.ts';
import { dueKey, keyOf, RESTART_PREFIX } from './keys.ts';
import { serverTimeOf, type Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

export function dueWork(table: Table): DueWork {
  const due = async <T>(
    partition: string,
    idOf: (item: Record<string, unknown>) => T,
    nowMs: number,
    limit: number,
  ): Promise<Read<T[]>> => {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        IndexName: indexes.byDue,
        KeyConditionExpression: 'dueKey = :due AND dueAt <= :now',
        ExpressionAttributeValues: { ':due': partition, ':now': nowMs },
        Limit: limit,
      }),
    );
    const value = (page.Items ?? []).map(idOf);
    const serverTimeMs = serverTimeOf(page);
    return serverTimeMs === undefined ? { value } : { value, serverTimeMs };
  };
  return {
    dueWorkspaces: (nowMs, limit) => due(dueKey.workspaces, partOf('pk', 'WS#'), nowMs, limit),
    dueRequests: (nowMs, limit) => due(dueKey.requests, partOf('pk', 'REQ#'), nowMs, limit),
    dueParked: (nowMs, limit) => due(dueKey.parked, partOf('pk', 'WS#'), nowMs, limit),
    dueRestartEnds: (nowMs, limit) =>
      due(
        dueKey.restartEnds,
        (item) => ({
          workspaceId: partOf('pk', 'WS#')(item),
          token: partOf('sk', RESTART_PREFIX)(item),
        }),
        nowMs,
        limit,
      ),

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

/** What stands behind the prefix of a key. */
function partOf(name: 'pk' | 'sk', prefix: string) {
  return (item: Record<string, unknown>): string => String(item[name]).slice(prefix.length);
}
