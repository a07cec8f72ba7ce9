/** The DynamoDB client of every store: time-outs that fit a call, and the answer's Date for a second clock. */
import {
  DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { DeserializeHandler, MetadataBearer } from '@smithy/types';
import pRetry from 'p-retry';

export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

/** Milliseconds by which a socket that died in a freeze is noticed, so that a retry still fits the call. */
const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 3000;

export const clientDefaults = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Without it the SDK only warns, and a socket that died in a freeze hangs until the function is ended.
    throwOnRequestTimeout: true,
  },
} as const;

interface DatedMetadata {
  serverDate?: string;
}

/** Opens the table. `base` is for tests. */
export function openTable(name: string, base = new DynamoDBClient(clientDefaults)): Table {
  base.middlewareStack.addRelativeTo(
    (next: DeserializeHandler<object, MetadataBearer>): DeserializeHandler<object, MetadataBearer> =>
      async (args) => {
        const result = await next(args);
        const headers = (result.response as { headers?: Record<string, string> } | undefined)?.headers;
        if (headers?.['date'] !== undefined && result.output) {
          (result.output.$metadata as DatedMetadata).serverDate = headers['date'];
        }
        return result;
      },
    { name: 'keepServerDate', relation: 'before', toMiddleware: 'deserializerMiddleware', override: true },
  );
  return {
    client: DynamoDBDocumentClient.from(base, { marshallOptions: { removeUndefinedValues: true } }),
    name,
  };
}

/** When the database answered, by its own clock (whole seconds); undefined when it did not say. */
export function serverTimeOf(output: MetadataBearer): number | undefined {
  const date = (output.$metadata as DatedMetadata).serverDate;
  const timeMs = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/**
 * Runs a write again while a transaction holds its items: DynamoDB refuses at once instead of waiting, and the SDK does
 * not repeat that by itself.
 */
export function retryingConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  return pRetry(transaction, {
    retries: 8,
    minTimeout: 15,
    maxTimeout: 400,
    randomize: true,
    shouldRetry: ({ error }) => isConflict(error),
  });
}

function isConflict(error: unknown): boolean {
  if (error instanceof TransactionConflictException) return true;
  return (
    error instanceof TransactionCanceledException &&
    error.CancellationReasons?.some((reason) => reason.Code === 'TransactionConflict') === true &&
    !error.CancellationReasons.some((reason) => reason.Code === 'ConditionalCheckFailed')
  );
}

/** Which items of a cancelled transaction failed their condition; undefined when it was cancelled for other reasons. */
export function failedConditions(error: unknown): readonly number[] | undefined {
  if (!(error instanceof TransactionCanceledException)) return undefined;
  const failed = (error.CancellationReasons ?? []).flatMap((reason, index) =>
    reason.Code === 'ConditionalCheckFailed' ? [index] : [],
  );
  return failed.length > 0 ? failed : undefined;
}

/** An opaque page mark. */
export function cursorOf(key: Record<string, unknown> | undefined): { cursor?: string } {
  return key ? { cursor: Buffer.from(JSON.stringify(key)).toString('base64url') } : {};
}

/** Thrown for a cursor that is not one of ours. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';
}

/**
 * The key that a cursor stands for. It must be one that the list itself could have given: exactly these attributes, of
 * the partition that is being listed. DynamoDB refuses any other, which would look like a fault of ours.
 */
export function keyOfCursor(
  cursor: string | undefined,
  shape: Readonly<Record<string, string | RegExp>>,
): Record<string, unknown> | undefined {
  if (cursor === undefined) return undefined;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new BadCursorError('the cursor is not one of ours', { cause });
  }
  const known = typeof key === 'object' && key !== null ? (key as Record<string, unknown>) : {};
  const fits = Object.entries(shape).every(([name, wanted]) => {
    const value = known[name];
    return typeof wanted === 'string' ? value === wanted : typeof value === 'string' && wanted.test(value);
  });
  if (!fits || Object.keys(known).length !== Object.keys(shape).length) {
    throw new BadCursorError('the cursor is of another list');
  }
  return known;
}
