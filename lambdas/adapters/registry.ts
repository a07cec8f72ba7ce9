/** The operator's writes to a workspace, each on condition that it still is what was read. */
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Workspace } from '../../core/workspace.ts';
import type { Registration, Registry, SettleWindow } from '../ports/registry.ts';
import { indexUpdate } from './instance-index.ts';
import { keyOf, listKey } from './keys.ts';
import { mendWorkspace } from './mend-workspace.ts';
import { failedConditions, retryingConflicts, type Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';
import { ITEM_VERSION } from './workspace-item.ts';

export function registry(table: Table): Registry {
  return {
    async register(registration, before, settles) {
      const isKnown = typeof before === 'object';
      if (isKnown && before.instanceId === registration.instanceId) {
        const written = await conditionally(() =>
          table.client.send(new UpdateCommand(changeOf(table, registration, before))),
        );
        return written ? 'written' : 'conflict';
      }
      try {
        await retryingConflicts(() =>
          table.client.send(
            new TransactWriteCommand({
              TransactItems: [
                { Update: newInstanceOf(table, registration, isKnown ? before : undefined, settles) },
                ...(isKnown ? [] : [{ Update: fleetSize(table, 1) }]),
                {
                  Update: indexUpdate(table, 'ADD', registration.instanceId, registration.workspaceId),
                },
                ...(isKnown
                  ? [{ Update: indexUpdate(table, 'DELETE', before.instanceId, before.workspaceId) }]
                  : []),
              ],
            }),
          ),
        );
        return 'written';
      } catch (error) {
        if (failedConditions(error)) return 'conflict';
        throw error;
      }
    },

    mend: mendWorkspace(table),

    async remove(workspace) {
      try {
        await retryingConflicts(() =>
          table.client.send(
            new TransactWriteCommand({
              TransactItems: [
                { Update: tombstoneOf(table, workspace) },
                { Update: fleetSize(table, -1) },
                { Update: indexUpdate(table, 'DELETE', workspace.instanceId, workspace.workspaceId) },
              ],
            }),
          ),
        );
        return 'removed';
      } catch (error) {
        if (failedConditions(error)) return 'conflict';
        throw error;
      }
    },

    async settle(workspace, window, because) {
      const written = await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspace.workspaceId),
            UpdateExpression: 'SET settleUntilMs = :until, settleFromMs = :from, settleBecause = :because',
            ConditionExpression: 'generation = :generation AND settleUntilMs <= :until',
            ExpressionAttributeValues: {
              ':until': window.untilMs,
              ':from': window.fromMs,
              ':because': because,
              ':generation': workspace.generation,
            },
          }),
        ),
      );
      return written ? 'written' : 'conflict';
    },

    async pause(workspaceId, pause) {
      const written = await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspaceId),
            UpdateExpression: pause ? 'SET pause = :pause' : 'REMOVE pause',
            ConditionExpression: 'attribute_exists(instanceId)',
            ...(pause && { ExpressionAttributeValues: { ':pause': pause } }),
          }),
        ),
      );
      return written ? 'written' : 'absent';
    },

    async release(workspaceId) {
      const written = await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspaceId),
            UpdateExpression: 'REMOVE quarantine SET recentRestartsMs = :none',
            ConditionExpression: 'attribute_exists(instanceId)',
            ExpressionAttributeValues: { ':none': [] },
          }),
        ),
      );
      return written ? 'written' : 'absent';
    },
  };
}

const registrationNames = {
  '#path': 'path',
  '#port': 'port',
  '#protocol': 'protocol',
  '#settings': 'settings',
};

function registrationValues({
  port,
  protocol,
  path,
  desired,
  settings,
}: Registration): Record<string, unknown> {
  return {
    ':port': port,
    ':protocol': protocol,
    ':path': path,
    ':desired': desired,
    ':settings': settings ?? {},
  };
}

const setRegistration =
  '#port = :port, #protocol = :protocol, #path = :path, desired = :desired, #settings = :settings';

function changeOf(table: Table, registration: Registration, before: Workspace) {
  return {
    TableName: table.name,
    Key: keyOf.workspace(registration.workspaceId),
    UpdateExpression: `SET ${setRegistration}`,
    ConditionExpression: 'generation = :generation AND instanceId = :instanceId',
    ExpressionAttributeNames: registrationNames,
    ExpressionAttributeValues: {
      ...registrationValues(registration),
      ':generation': before.generation,
      ':instanceId': before.instanceId,
    },
  };
}

/**
 * A new instance: a new generation and settle window, and nothing of the old boot counts any more. An open claim is
 * closed in the same write. The generation goes on from a tombstone's, so that old messages stay old.
 */
function newInstanceOf(
  table: Table,
  registration: Registration,
  before: Workspace | undefined,
  settles: SettleWindow,
) {
  return {
    TableName: table.name,
    Key: keyOf.workspace(registration.workspaceId),
    UpdateExpression: [
      `SET ${setRegistration}, v = :v, workspaceId = :workspaceId, instanceId = :instanceId,`,
      'generation = if_not_exists(generation, :zero) + :one, settleUntilMs = :settleUntil, settleFromMs = :settleFrom,',
      before ? '' : 'firstGeneration = if_not_exists(generation, :zero) + :one,',
      'settleBecause = :because, freshUntilMs = :zero, recentRestartsMs = :none, listKey = :list, listSort = :workspaceId',
      `REMOVE removed, heartbeat, evidence, claim, retiredBootId, previousBootId, previousSeq, dueKey, dueAt, ${ofThisInstance}`,
      before ? '' : ', pause',
    ].join(' '),
    ConditionExpression: before
      ? 'generation = :generation AND instanceId = :oldInstanceId'
      : 'attribute_not_exists(instanceId)',
    ExpressionAttributeNames: registrationNames,
    ExpressionAttributeValues: {
      ...registrationValues(registration),
      ':v': ITEM_VERSION,
      ':workspaceId': registration.workspaceId,
      ':instanceId': registration.instanceId,
      ':zero': 0,
      ':one': 1,
      ':settleUntil': settles.untilMs,
      ':settleFrom': settles.fromMs,
      ':because': before ? 'new-instance' : 'registration',
      ':none': [],
      ':list': listKey.workspaces,
      ...(before && { ':generation': before.generation, ':oldInstanceId': before.instanceId }),
    },
  };
}

/** What was found out about an instance says nothing of the next one. */
const ofThisInstance = 'gone, quarantine, withheld, lastStopMs, endedBy';

/** Forgets a workspace but for its generation. */
function tombstoneOf(table: Table, workspace: Workspace) {
  return {
    TableName: table.name,
    Key: keyOf.workspace(workspace.workspaceId),
    UpdateExpression:
      'SET removed = :yes, generation = :next REMOVE instanceId, listKey, listSort, heartbeat, evidence, claim, ' +
      `retiredBootId, previousBootId, previousSeq, dueKey, dueAt, pause, ${ofThisInstance}`,
    ConditionExpression: 'generation = :generation AND attribute_exists(instanceId)',
    ExpressionAttributeValues: {
      ':yes': true,
      ':generation': workspace.generation,
      ':next': workspace.generation + 1,
    },
  };
}

/** Counted only in one transaction with the row it counts: a bare ADD would count a repeat twice (D4). */
function fleetSize(table: Table, by: 1 | -1) {
  return {
    TableName: table.name,
    Key: keyOf.size,
    UpdateExpression: 'SET workspaces = if_not_exists(workspaces, :zero) + :by',
    ExpressionAttributeValues: { ':zero': 0, ':by': by },
  };
}
