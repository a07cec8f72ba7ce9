/** Heartbeats: one conditional UpdateItem each. Freshness and sequence only ever move forward (S17). */
import { isDeepStrictEqual } from 'node:util';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { storedBeat } from '../../core/heartbeat.ts';
import type { BeatStamp, BeatWrite, WorkspaceStore } from '../ports/workspaces.ts';
import { keyOf } from './keys.ts';
import type { Table } from './table.ts';
import { conditionally, itemOfFailure, unchangedBeat } from './workspace-conditions.ts';
import { readWorkspaceItem } from './workspace-item.ts';

type BeatWrites = Pick<WorkspaceStore, 'recordBeat' | 'recordFirstBeat' | 'recordHeard'>;

export function beatWrites(table: Table): BeatWrites {
  const write = async (
    workspaceId: string,
    at: BeatStamp,
    what: { set: string; condition: string; values: Record<string, unknown> },
  ): Promise<BeatWrite> => {
    try {
      const output = await table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: keyOf.workspace(workspaceId),
          UpdateExpression: `SET heartbeat = :beat, freshUntilMs = :freshUntil${what.set}`,
          ConditionExpression: `instanceId = :instanceId AND freshUntilMs <= :freshUntil AND ${what.condition}`,
          ExpressionAttributeValues: {
            ':instanceId': at.instanceId,
            ':freshUntil': at.freshUntilMs,
            ...what.values,
          },
          ReturnValues: 'ALL_OLD',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      const before = readWorkspaceItem(output.Attributes);
      // The condition held, so the item was there; one that this version cannot read is left to the next reader.
      return typeof before === 'object'
        ? { kind: 'written', before }
        : { kind: 'refused', workspace: before };
    } catch (error) {
      const item = itemOfFailure(error);
      if (item === undefined) throw error;
      const workspace = readWorkspaceItem(item);
      // The gateway's stamp makes this very beat known: its own write, reported as a failure after a lost answer (S27).
      return typeof workspace === 'object' && isDeepStrictEqual(workspace.heartbeat, what.values[':beat'])
        ? { kind: 'written', before: workspace, isRepeat: true }
        : { kind: 'refused', workspace };
    }
  };

  return {
    async recordHeard(workspaceId, token, { atMs, bootId }) {
      await conditionally(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspaceId),
            UpdateExpression: 'SET claim.heardAtMs = :at, claim.heardBootId = :boot',
            ConditionExpression:
              'claim.#token = :token AND claim.#step IN (:approval, :awaiting, :admitted, :stopIssued, :stopRecorded) AND (attribute_not_exists(claim.heardBootId) OR claim.heardBootId <> :boot)',
            ExpressionAttributeNames: { '#token': 'token', '#step': 'step' },
            ExpressionAttributeValues: {
              ':at': atMs,
              ':boot': bootId,
              ':token': token,
              ':approval': 'awaiting-approval',
              ':awaiting': 'awaiting-admission',
              ':admitted': 'admitted',
              ':stopIssued': 'stop-issued',
              ':stopRecorded': 'stop-recorded',
            },
          }),
        ),
      );
    },

    recordBeat: (workspaceId, beat, at) =>
      write(workspaceId, at, {
        set: '',
        condition: [
          'heartbeat.bootId = :bootId AND heartbeat.seq < :seq',
          '(attribute_not_exists(retiredBootId) OR retiredBootId <> :bootId)',
          ...(at.window === 'fleet' ? ['attribute_not_exists(settings.freshSeconds)'] : []),
        ].join(' AND '),
        values: { ':beat': storedBeat(beat, at.atMs), ':bootId': beat.bootId, ':seq': beat.seq },
      }),

    recordFirstBeat: (workspace, beat, at) => {
      const old = unchangedBeat(workspace.heartbeat);
      const { claim } = workspace;
      return write(workspace.workspaceId, at, {
        set: workspace.heartbeat ? ', previousBootId = :beatBoot, previousSeq = :beatSeq' : '',
        condition: [
          'generation = :generation',
          old.condition,
          claim ? 'claim.startedAtMs = :startedAt' : 'attribute_not_exists(claim)',
        ].join(' AND '),
        values: {
          ':beat': storedBeat(beat, at.atMs),
          ':generation': workspace.generation,
          ...(claim && { ':startedAt': claim.startedAtMs }),
          ...old.values,
        },
      });
    },
  };
}
