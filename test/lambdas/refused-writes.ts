/** How the database says that a write was not made. */
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  type CancellationReason,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';

/** The reason of an item whose condition does not hold. */
export const FAILED = 'ConditionalCheckFailed';

const asStored = (item: Record<string, unknown>) => marshall(item, { removeUndefinedValues: true });

/** The condition does not hold; the answer says what was found instead, where that was asked for. */
export function conditionFailed(found?: Record<string, unknown>): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: 'no',
    $metadata: {},
    ...(found && { Item: asStored(found) }),
  });
}

/** The same as the reason of one item of a transaction. */
export function failedOn(found: Record<string, unknown>): CancellationReason {
  return { Code: FAILED, Item: asStored(found) };
}

/** A transaction that was not made, with the reason of each of its items; at first, that a condition does not hold. */
export function cancelled(...reasons: (string | CancellationReason)[]): TransactionCanceledException {
  return new TransactionCanceledException({
    message: 'no',
    $metadata: {},
    CancellationReasons: (reasons.length === 0 ? [FAILED] : reasons).map((reason) =>
      typeof reason === 'string' ? { Code: reason } : reason,
    ),
  });
}
