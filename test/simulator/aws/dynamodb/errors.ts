/** DynamoDB's refusals, as the SDK throws them. */
import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Item } from './values.ts';

/** A call that DynamoDB would not accept: in a simulation always a mistake of the code or of the fake. */
export function invalid(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    message,
  });
}

/** `found` is the item as it stands, for a caller who asked for it. */
export function conditionFailed(found: Item | undefined): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: 'The conditional request failed',
    $metadata: { httpStatusCode: 400 },
    ...(found && { Item: marshall(found) }),
  });
}

/** Why each item of a transaction stood in its way; `None` where it did not. */
export interface Reason {
  readonly Code: 'None' | 'ConditionalCheckFailed' | 'TransactionConflict' | 'ValidationError';
  readonly Message?: string;
  readonly found?: Item | undefined;
}

export function cancelled(reasons: readonly Reason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: reasons.map(({ found, ...reason }) => ({
      ...reason,
      ...(found && { Item: marshall(found) }),
    })),
  });
}

/** A transaction holds the item at this moment. */
export function conflict(): TransactionConflictException {
  return new TransactionConflictException({
    message: 'Transaction is ongoing for the item',
    $metadata: { httpStatusCode: 400 },
  });
}

export function tokenReused(): IdempotentParameterMismatchException {
  return new IdempotentParameterMismatchException({
    Message: 'Request with the same client token has different parameters',
    message: 'Request with the same client token has different parameters',
    $metadata: { httpStatusCode: 400 },
  });
}
