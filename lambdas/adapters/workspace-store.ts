/** Reads of workspaces, and the small writes around a verdict: probe lease and evidence. */
import { BatchGetCommand, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { isDeclaredDead } from '../../core/declared.ts';
import type { Evidence, Unclear, Workspace } from '../../core/workspace.ts';
import { indexes } from '../runtime/env-names.ts';
import type { FirstAnswer, IdempotencyKey } from '../ports/idempotency.ts';
import type { Read } from '../ports/read.ts';
import type { JudgingRead, StoredWorkspace, WorkspaceStore } from '../ports/workspaces.ts';
import { beatWrites } from './beat-writes.ts';
import { claimWrites } from './claim-writes.ts';
import { dueKey, keyOf, listKey, type Key } from './keys.ts';
import { cursorOf, keyOfCursor, retryingConflicts, serverTimeOf, type Table } from './table.ts';
import { conditionally, itemOfFailure, unchangedBeat } from './workspace-conditions.ts';
import { readWorkspaceItem } from './workspace-item.ts';

/** BatchGetItem takes this many keys, and may leave some for another call. */
const BATCH_KEYS = 100;
const BATCH_TRIES = 3;

export function workspaceStore(table: Table): WorkspaceStore {
  return {
    ...claimWrites(table),
    ...beatWrites(table),

    async read(workspaceId): Promise<Read<StoredWorkspace>> {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.workspace(workspaceId), ConsistentRead: true }),
      );
      return dated(readWorkspaceItem(output.Item), serverTimeOf(output));
    },

    async readMany(workspaceIds) {
      const unique = [...new Set(workspaceIds)];
      const { items, serverTimeMs } = await batchGet(table, unique.map(keyOf.workspace));
      const found = new Map(items.map((item) => [item['pk'], item]));
      return dated(
        new Map(unique.map((id) => [id, readWorkspaceItem(found.get(keyOf.workspace(id).pk))])),
        serverTimeMs,
      );
    },

    async readForJudging(workspaceId, key): Promise<Read<JudgingRead>> {
      const keys = [keyOf.workspace(workspaceId), keyOf.probe(workspaceId), keyOf.parked(workspaceId)];
      if (key) keys.push(keyOf.idempotency(key));
      const { items, serverTimeMs } = await batchGet(table, keys);
      return dated(judgingRead(items, { workspaceId, key, serverTimeMs }), serverTimeMs);
    },

    async takeProbeLease(workspaceId, nowMs, untilMs): Promise<boolean> {
      return conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.probe(workspaceId),
            UpdateExpression: 'SET leaseUntilMs = :until',
            ConditionExpression: 'attribute_not_exists(leaseUntilMs) OR leaseUntilMs <= :now',
            ExpressionAttributeValues: { ':until': untilMs, ':now': nowMs },
          }),
        ),
      );
    },

    async putEvidence(judged: Workspace, evidence: Evidence, resendAtMs: number) {
      const beat = unchangedBeat(judged.heartbeat);
      const replaced = judged.evidence
        ? 'evidence.verdictId = :oldVerdict AND evidence.#round = :oldRound'
        : 'attribute_not_exists(evidence)';
      try {
        await retryingConflicts(() =>
          table.client.send(
            new UpdateCommand({
              TableName: table.name,
              Key: keyOf.workspace(judged.workspaceId),
              UpdateExpression: 'SET evidence = :evidence, dueKey = :dueKey, dueAt = :dueAt',
              ConditionExpression: [
                'generation = :generation',
                'instanceId = :instanceId',
                'attribute_not_exists(claim)',
                replaced,
                beat.condition,
              ].join(' AND '),
              ...(judged.evidence && { ExpressionAttributeNames: { '#round': 'round' } }),
              ExpressionAttributeValues: {
                ':evidence': evidence,
                ':dueKey': dueKey.evidence,
                ':dueAt': resendAtMs,
                ':generation': judged.generation,
                ':instanceId': judged.instanceId,
                ...(judged.evidence && {
                  ':oldVerdict': judged.evidence.verdictId,
                  ':oldRound': judged.evidence.round,
                }),
                ...beat.values,
              },
              ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            }),
          ),
        );
        return 'written';
      } catch (error) {
        const item = itemOfFailure(error);
        if (item === undefined) throw error;
        const found = readWorkspaceItem(item);
        // Our own write, reported as a failure after a lost answer, is a success (S27).
        const isOurs =
          typeof found === 'object' &&
          found.evidence?.verdictId === evidence.verdictId &&
          found.evidence.round === evidence.round;
        return isOurs ? 'written' : found;
      }
    },

    async removeEvidence(workspaceId, verdictId) {
      try {
        await retryingConflicts(() =>
          table.client.send(
            new UpdateCommand({
              TableName: table.name,
              Key: keyOf.workspace(workspaceId),
              UpdateExpression: 'REMOVE evidence, dueKey, dueAt',
              // A claim has a due time of its own, and evidence is gone once there is one.
              ConditionExpression: 'evidence.verdictId = :verdictId AND attribute_not_exists(claim)',
              ExpressionAttributeValues: { ':verdictId': verdictId },
              ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            }),
          ),
        );
        return 'removed';
      } catch (error) {
        const item = itemOfFailure(error);
        if (item === undefined) throw error;
        const found = readWorkspaceItem(item);
        // A newer version may have written it: who has won stands there all the same (S32).
        return found === 'malformed' && isDeclaredDead(item, verdictId) ? 'declared' : found;
      }
    },

    async readUnclear(workspaceId) {
      const { Item } = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.probe(workspaceId), ConsistentRead: true }),
      );
      return Item?.['unclear'] as Unclear | undefined;
    },

    async noteUnclear(workspaceId, unclear) {
      await retryingConflicts(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.probe(workspaceId),
            UpdateExpression: unclear ? 'SET unclear = :unclear' : 'REMOVE unclear',
            ...(unclear && { ExpressionAttributeValues: { ':unclear': unclear } }),
          }),
        ),
      );
    },

    async list(limit, cursor) {
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: indexes.byList,
          KeyConditionExpression: 'listKey = :list',
          ExpressionAttributeValues: { ':list': listKey.workspaces },
          Limit: limit,
          ExclusiveStartKey: keyOfCursor(cursor, {
            listKey: listKey.workspaces,
            listSort: /^[\w.-]{1,128}$/,
            pk: /^WS#[\w.-]{1,128}$/,
            sk: 'STATE',
          }),
        }),
      );
      const keys = (page.Items ?? []).map((item) => ({ pk: String(item['pk']), sk: String(item['sk']) }));
      const { items } = await batchGet(table, keys);
      const found = new Map(items.map((item) => [item['pk'], readWorkspaceItem(item)]));
      const workspaces = keys.flatMap((key) => {
        const workspace = found.get(key.pk);
        return typeof workspace === 'object' ? [workspace] : [];
      });
      return { workspaces, ...cursorOf(page.LastEvaluatedKey) };
    },
  };
}

type Item = Record<string, unknown>;

/** Strongly consistent reads of any number of items; throws rather than answer with a part of them. */
async function batchGet(
  table: Table,
  keys: readonly Key[],
): Promise<{ items: Item[]; serverTimeMs: number | undefined }> {
  const items: Item[] = [];
  let serverTimeMs: number | undefined;
  for (let start = 0; start < keys.length; start += BATCH_KEYS) {
    let wanted: Record<string, unknown>[] = keys.slice(start, start + BATCH_KEYS);
    for (let tries = 0; wanted.length > 0; tries++) {
      if (tries === BATCH_TRIES)
        throw new Error(`DynamoDB left ${wanted.length} of ${keys.length} items unread`);
      const output = await table.client.send(
        new BatchGetCommand({ RequestItems: { [table.name]: { Keys: wanted, ConsistentRead: true } } }),
      );
      items.push(...(output.Responses?.[table.name] ?? []));
      serverTimeMs = serverTimeOf(output);
      wanted = output.UnprocessedKeys?.[table.name]?.Keys ?? [];
    }
  }
  return { items, serverTimeMs };
}

function judgingRead(
  items: readonly Item[],
  of: {
    readonly workspaceId: string;
    readonly key: IdempotencyKey | undefined;
    readonly serverTimeMs: number | undefined;
  },
): JudgingRead {
  const { workspaceId, key, serverTimeMs = 0 } = of;
  const at = (wanted: Key): Item | undefined =>
    items.find((item) => item['pk'] === wanted.pk && item['sk'] === wanted.sk);
  const { lastProbe, unclear } = (at(keyOf.probe(workspaceId)) ?? {}) as Pick<
    JudgingRead,
    'lastProbe' | 'unclear'
  >;
  const answer = key && at(keyOf.idempotency(key));
  return {
    workspace: readWorkspaceItem(at(keyOf.workspace(workspaceId))),
    parkedCount: Number(at(keyOf.parked(workspaceId))?.['count'] ?? 0),
    ...(lastProbe && { lastProbe }),
    ...(unclear && { unclear }),
    // TTL removes rows days late: an expired one that is still there answers no more (D7).
    ...(answer &&
      !(Number(answer['expiresAtMs']) < serverTimeMs) && { firstAnswer: answer['value'] as FirstAnswer }),
  };
}

function dated<T>(value: T, serverTimeMs: number | undefined): Read<T> {
  return serverTimeMs === undefined ? { value } : { value, serverTimeMs };
}
