/** Clauses that several conditional writes of a workspace share. */
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { failedConditions, retryingConflicts } from './table.ts';
import type { Heartbeat } from '../../core/workspace.ts';

/** Runs a conditional write: true when it was made, false when its condition did not hold. */
export async function conditionally(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await retryingConflicts(write);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/**
 * The item that a failed condition found (ALL_OLD), of a transaction its first one; undefined for any other error. An
 * absent item is empty.
 */
export function itemOfFailure(error: unknown): Record<string, unknown> | undefined {
  const isFirstOfMany = failedConditions(error)?.includes(0) === true;
  if (!isFirstOfMany && !(error instanceof ConditionalCheckFailedException)) return undefined;
  const item =
    error instanceof TransactionCanceledException
      ? error.CancellationReasons?.[0]?.Item
      : (error as ConditionalCheckFailedException).Item;
  // The document client unmarshalls answers, not errors.
  return item === undefined ? { removed: true } : unmarshall(item);
}

/** No beat since it was read: the clock-free form of "stale" (S3). */
export function unchangedBeat(heartbeat: Pick<Heartbeat, 'bootId' | 'seq'> | undefined): {
  condition: string;
  values: Record<string, unknown>;
} {
  return heartbeat
    ? {
        condition: '(heartbeat.bootId = :beatBoot AND heartbeat.seq = :beatSeq)',
        values: { ':beatBoot': heartbeat.bootId, ':beatSeq': heartbeat.seq },
      }
    : { condition: 'attribute_not_exists(heartbeat)', values: {} };
}
