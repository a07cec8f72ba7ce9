/** The writes of one attempt at delivery: begun, its lease renewed, put back. Each is for the newest attempt alone. */
import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Ledger } from '../ports/ledger.ts';
import { keyOf } from './keys.ts';
import type { Table } from './table.ts';
import { conditionally, itemOfFailure } from './workspace-conditions.ts';

type Change = Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName' | 'Key'>;

export function updateRequest(table: Table, requestId: string, change: Change): Promise<boolean> {
  return conditionally(() =>
    table.client.send(new UpdateCommand({ TableName: table.name, Key: keyOf.request(requestId), ...change })),
  );
}

const newestAttempt = '#state = :delivering AND attempts = :attempts';

export function attemptWrites(table: Table): Pick<Ledger, 'beginAttempt' | 'renewAttempt' | 'putBack'> {
  return {
    async beginAttempt(request, { nowMs, leaseUntilMs, mark, interruptions }) {
      const nonce = randomUUID();
      const begin: Change = {
        UpdateExpression:
          'SET #state = :delivering, attempts = :next, ambiguous = :ambiguous, leaseUntilMs = :lease, ' +
          'lastAttempt = :mark, interruptions = :interruptions, begunBy = :nonce REMOVE notBeforeMs',
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
          ':lease': leaseUntilMs,
          ':mark': mark,
          ':interruptions': interruptions,
          ':nonce': nonce,
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      };
      try {
        await table.client.send(
          new UpdateCommand({ TableName: table.name, Key: keyOf.request(request.requestId), ...begin }),
        );
        return 'begun';
      } catch (error) {
        const found = itemOfFailure(error);
        if (found === undefined) throw error;
        // Our own write, whose answer was lost: taken for a loss, a request that was never sent would look ambiguous (S27).
        return found['begunBy'] === nonce ? 'begun' : 'lost';
      }
    },

    async renewAttempt(request, leaseUntilMs) {
      await updateRequest(table, request.requestId, {
        UpdateExpression: 'SET leaseUntilMs = :lease',
        ConditionExpression: newestAttempt,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':lease': leaseUntilMs,
          ':delivering': 'delivering',
          ':attempts': request.attempts,
        },
      });
    },

    async putBack(request, { why, ambiguous, failures, notBeforeMs, mark }) {
      await updateRequest(table, request.requestId, {
        UpdateExpression:
          'SET #state = :parked, why = :why, ambiguous = :ambiguous, failures = :failures, notBeforeMs = :notBefore' +
          (mark ? ', lastAttempt = :mark REMOVE leaseUntilMs' : ' REMOVE leaseUntilMs, lastAttempt'),
        ConditionExpression: newestAttempt,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':parked': 'parked',
          ':delivering': 'delivering',
          ':why': why,
          ':ambiguous': ambiguous || request.ambiguous,
          ':failures': failures,
          ':notBefore': notBeforeMs,
          ':attempts': request.attempts,
          ...(mark && { ':mark': mark }),
        },
      });
    },
  };
}
