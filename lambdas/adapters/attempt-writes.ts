/** The writes of one attempt at delivery: begun, its lease renewed, put back. Each is for the newest attempt alone. */
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Ledger } from '../ports/ledger.ts';
import { keyOf } from './keys.ts';
import type { Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

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
      const begun = await updateRequest(table, request.requestId, {
        UpdateExpression:
          'SET #state = :delivering, attempts = :next, ambiguous = :ambiguous, leaseUntilMs = :lease, ' +
          'lastAttempt = :mark, interruptions = :interruptions REMOVE notBeforeMs',
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
        },
      });
      return begun ? 'begun' : 'lost';
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
