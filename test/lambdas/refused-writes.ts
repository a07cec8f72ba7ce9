/** How the database says that a write was not made. */
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';

/** The reason of an item whose condition does not hold. */
export const FAILED = 'ConditionalCheckFailed';

/** The condition does not hold; the answer says what was found instead, where that was asked for. */
export function conditionFailed(found?: Record<string, unknown>): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: 'no',
    $metadata: {},
    ...(found && { Item: marshall(found, { removeUndefinedValues: true }) }),
  });
}

/** A transaction that was not made, with the reason of each of its items: at first, that its condition does not hold. */
export function cancelled(...codes: string[]): TransactionCanceledException {
  return new TransactionCanceledException({
    message: 'no',
    $metadata: {},
    CancellationReasons: (codes.length === 0 ? [FAILED] : codes).map((Code) => ({ Code })),
  });
}
