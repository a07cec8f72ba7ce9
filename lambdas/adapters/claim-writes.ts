/**
 * The claim and its progress: each one conditional write of the workspace item. Two of them may be transactions: with the
 * end goes the row by which it is told (restart-ends.ts), with an order the first answer of its idempotency key.
 *
 *   verdict: evidence e1 --2 s--> second sighting --> CLAIM (token = verdictId) --> admitted --> start-issued --> ended
 *   races:        beat? --------------- voids (bootId, seq) ------^
 *                 another claim, new instance, pause, desired ----^   each one a clause of the condition
 *
 * The SDK repeats a write whose answer was lost, and the repeat fails its condition. So each write names itself by a
 * nonce and asks for the old item on failure: our own nonce there means that it was done, once (S27).
 */
import { randomUUID } from 'node:crypto';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { RESUME_AFTER_MS } from '../../core/claim.ts';
import type { StoredWorkspace, WorkspaceStore } from '../ports/workspaces.ts';
import {
  claimCondition,
  claimNames,
  claimValues,
  lastLookCondition,
  notedAsRead,
  noWindowCut,
  sameClaim,
  sameValues,
} from './claim-conditions.ts';
import { dueKey, keyOf } from './keys.ts';
import { judgedItems } from './receipt-store.ts';
import { putRestartEnd } from './restart-ends.ts';
import { retryingConflicts, type Table } from './table.ts';
import { itemOfFailure } from './workspace-conditions.ts';
import { readWorkspaceItem } from './workspace-item.ts';

type ClaimWrites = Pick<WorkspaceStore, 'claim' | 'concludeDead' | 'advanceClaim' | 'endClaim'>;

export function claimWrites(table: Table): ClaimWrites {
  return {
    async claim(write, firstAnswer) {
      const { condition, values } = claimCondition(write.requires);
      const { sets } = write;
      // A forced order waits for no window, but a longer one that was announced meanwhile is not written over (S17).
      const claiming = {
        TableName: table.name,
        Key: keyOf.workspace(write.workspaceId),
        UpdateExpression: [
          'SET claim = :claim, generation = :nextGeneration, settleUntilMs = :settleUntil, settleFromMs = :settleFrom,',
          'settleBecause = :because, recentRestartsMs = :restarts, dueKey = :dueKey, dueAt = :dueAt',
          sets.retiredBootId === undefined ? '' : ', retiredBootId = :retired',
          'REMOVE evidence',
        ].join(' '),
        ConditionExpression: `${condition} AND ${noWindowCut}`,
        ExpressionAttributeValues: {
          ...values,
          ':claim': sets.claim,
          ':nextGeneration': sets.generation,
          ':settleUntil': sets.settleUntilMs,
          ':settleFrom': sets.claim.sinceMs,
          ':because': 'claim',
          ':restarts': sets.recentRestartsMs,
          ':dueKey': dueKey.workspaces,
          ':dueAt': sets.claim.sinceMs + RESUME_AFTER_MS,
          ...(sets.retiredBootId !== undefined && { ':retired': sets.retiredBootId }),
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      };
      const answered =
        firstAnswer &&
        judgedItems(table, {
          about: { workspaceId: write.workspaceId, atMs: sets.claim.sinceMs },
          firstAnswer,
        });
      const found = await writtenOrFound(() =>
        answered
          ? table.client.send(
              new TransactWriteCommand({ TransactItems: [{ Update: claiming }, ...answered] }),
            )
          : table.client.send(new UpdateCommand(claiming)),
      );
      if (found === 'written') return 'won';
      // Our token in the item means that we had won, and only the answer was lost (S27).
      return typeof found === 'object' && found.claim?.token === write.token ? 'won' : { lostTo: found };
    },

    async concludeDead({ workspaceId, token, requires, sets }) {
      const { condition, values } = claimCondition(requires);
      const written = await writtenOrFound(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspaceId),
            UpdateExpression: `SET ${sets.as} = :finding REMOVE evidence, dueKey, dueAt`,
            ConditionExpression: condition,
            ExpressionAttributeValues: { ...values, ':finding': sets.finding },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      if (written === 'written') return 'won';
      const isOurs = typeof written === 'object' && written[sets.as]?.verdictId === token;
      return isOurs ? 'won' : { lostTo: written };
    },

    async advanceClaim(workspaceId, from, to, also) {
      const look = lastLookCondition(also.lastLook);
      const nonce = randomUUID();
      const written = await writtenOrFound(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.workspace(workspaceId),
            UpdateExpression: [
              'SET claim = :claim, dueKey = :dueKey, dueAt = :dueAt',
              // A start ends what the boot before it had promised, its lease too: the new boot speaks for itself.
              also.settleUntilMs === undefined
                ? ''
                : ', settleUntilMs = :settleUntil, settleFromMs = :settleFrom, settleBecause = :because, freshUntilMs = :notFresh',
              also.stopAtMs === undefined ? '' : ', lastStopMs = :stopAt',
            ].join(''),
            ConditionExpression: [
              sameClaim,
              ...notedAsRead(from),
              ...look.clauses,
              ...(also.settleUntilMs === undefined ? [] : [noWindowCut]),
            ].join(' AND '),
            ExpressionAttributeNames: claimNames,
            ExpressionAttributeValues: {
              ...claimValues(from),
              ...look.values,
              ':claim': { ...to, nonce },
              ':dueKey': dueKey.workspaces,
              ':dueAt': also.dueAtMs,
              ...(also.stopAtMs !== undefined && { ':stopAt': also.stopAtMs }),
              ...(also.settleUntilMs !== undefined && {
                ':settleUntil': also.settleUntilMs,
                ':settleFrom': to.startedAtMs ?? to.sinceMs,
                ':because': 'start',
                ':notFresh': 0,
              }),
            },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      const isOurs = typeof written === 'object' && written.claim?.nonce === nonce;
      return written === 'written' || isOurs ? 'advanced' : 'lost';
    },

    async endClaim(claim, end, { unretire, sets = {} }) {
      const nonce = randomUUID();
      const found = Object.entries(sets);
      const ending = {
        TableName: table.name,
        Key: keyOf.workspace(end.workspaceId),
        UpdateExpression: [
          `REMOVE claim, dueKey, dueAt${unretire ? ', retiredBootId' : ''}`,
          `SET ${['endedBy = :nonce', ...found.map(([name]) => `${name} = :${name}`)].join(', ')}`,
        ].join(' '),
        ConditionExpression: sameClaim,
        ExpressionAttributeNames: claimNames,
        ExpressionAttributeValues: {
          ...sameValues(claim),
          ':nonce': nonce,
          ...Object.fromEntries(found.map(([name, value]) => [`:${name}`, value])),
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      };
      const written = await writtenOrFound(() =>
        table.client.send(
          new TransactWriteCommand({ TransactItems: [{ Update: ending }, putRestartEnd(table, end)] }),
        ),
      );
      const isOurs = typeof written === 'object' && written.endedBy === nonce;
      return written === 'written' || isOurs ? 'ended' : 'lost';
    },
  };
}

/** Runs a conditional write; gives the workspace as it was found when the condition did not hold. */
async function writtenOrFound(write: () => Promise<unknown>): Promise<'written' | StoredWorkspace> {
  try {
    await retryingConflicts(write);
    return 'written';
  } catch (error) {
    const item = itemOfFailure(error);
    if (item === undefined) throw error;
    return readWorkspaceItem(item);
  }
}
