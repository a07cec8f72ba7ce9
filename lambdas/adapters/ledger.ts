/**
 * The ledger: what became of each parked request. Final states are reached once; each write names the states it may
 * come from, so a late worker changes nothing (S24). Counters change in the same transaction as the row they count.
 */
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { isFinalState, type ParkedRequest } from '../../core/parking.ts';
import type { Finish, FinishedRequest, Ledger } from '../ports/ledger.ts';
import { attemptWrites, updateRequest } from './attempt-writes.ts';
import {
  countIn,
  countOut,
  endRequest,
  forgetKey,
  putDeadLetter,
  putRequest,
  putResponse,
} from './ledger-items.ts';
import { ledgerReads, readRequest } from './ledger-reads.ts';
import { parkedTotals } from './parked-totals.ts';
import { judgedItems } from './receipt-store.ts';
import { failedConditions, retryingConflicts, type Table } from './table.ts';

export function ledger(table: Table): Ledger {
  return {
    ...attemptWrites(table),
    ...ledgerReads(table),
    ...parkedTotals(table),

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

    async markParked(request, atMs, sequence) {
      const marked = await updateRequest(table, request.requestId, {
        UpdateExpression: `SET #state = :parked, parkedAtMs = :at, dueAt = :due${sequence === undefined ? '' : ', #sequence = :sequence'}`,
        ConditionExpression: '#state = :accepting',
        ExpressionAttributeNames: {
          '#state': 'state',
          ...(sequence !== undefined && { '#sequence': 'sequence' }),
        },
        ExpressionAttributeValues: {
          ...(sequence !== undefined && { ':sequence': sequence }),
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

    finish: (request, end) => finish(table, request, end, forgetKey(table, request, end)),

    async noticed(requestId) {
      await updateRequest(table, requestId, {
        UpdateExpression: 'REMOVE dueKey, dueAt',
        ConditionExpression: 'attribute_exists(finishedAtMs)',
      });
    },

    async noticeLater(requestId, dueAtMs) {
      await updateRequest(table, requestId, {
        UpdateExpression: 'SET dueAt = :due',
        ConditionExpression: 'attribute_exists(finishedAtMs) AND attribute_exists(dueKey)',
        ExpressionAttributeValues: { ':due': dueAtMs },
      });
    },
  };
}

async function finish(
  table: Table,
  request: ParkedRequest,
  end: FinishedRequest,
  freed: ReturnType<typeof forgetKey>,
): Promise<Finish> {
  const ends = [endRequest(table, request, end), countOut(table, request, end)];
  try {
    await retryingConflicts(() =>
      table.client.send(
        new TransactWriteCommand({
          TransactItems: [
            ...ends,
            ...freed,
            ...(end.response ? [putResponse(table, request.requestId, end.response, end.atMs)] : []),
            ...(end.state === 'dead-lettered' ? [putDeadLetter(table, request, end.atMs)] : []),
          ],
        }),
      ),
    );
    return 'finished';
  } catch (error) {
    const failed = failedConditions(error);
    if (failed?.includes(0) !== true) {
      // The key is another request's by now.
      if (freed.length > 0 && failed?.includes(ends.length) === true) return finish(table, request, end, []);
      throw error;
    }
    if (end.onlyFrom === undefined && end.onlyAttempt === undefined) return 'was-final';
    const found = await readRequest(table, request.requestId);
    return found && !isFinalState(found.state) ? 'moved-on' : 'was-final';
  }
}
