/** A transaction: all of its writes or none, and once only for each token. */
import { cancelled, invalid, tokenReused, type Reason } from './errors.ts';
import { checkFields, type Input } from './input.ts';
import type { Key } from './schema.ts';
import type { Item } from './values.ts';
import { planned, writeKinds, type Planned, type WriteKind } from './writes.ts';

const MOST_ITEMS = 100;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const TOKEN_LIFE_MS = 10 * 60_000;

export interface Standing {
  readonly itemAt: (key: Key) => Item | undefined;
  /** Whether another transaction holds the item just now. */
  readonly isHeld: (key: Key) => boolean;
}

/** The writes of a transaction that may be made; throws the cancellation otherwise. */
export function plannedTogether(
  input: Input,
  { itemAt, isHeld }: Standing,
): { write: Planned; after: Item | undefined }[] {
  const parts = input.TransactItems ?? [];
  if (parts.length === 0 || parts.length > MOST_ITEMS)
    throw invalid(`Member must have length between 1 and ${MOST_ITEMS}`);
  const inputs = parts.map(partOf);
  const writes = inputs.map(([kind, part]) => planned(kind, part, itemAt));
  const keys = new Set(writes.map(({ key }) => `${key.pk}\n${key.sk}`));
  if (keys.size < writes.length)
    throw invalid('Transaction request cannot include multiple operations on one item');
  const made = writes.map((write, index): { reason: Reason; after?: Item | undefined } => {
    if (isHeld(write.key))
      return { reason: { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' } };
    if (!write.holds) {
      const wantsOld = inputs[index]?.[1].ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
      return {
        reason: {
          Code: 'ConditionalCheckFailed',
          Message: 'The conditional request failed',
          ...(wantsOld && { found: write.before }),
        },
      };
    }
    return afterOf(write);
  });
  const reasons = made.map(({ reason }) => reason);
  if (reasons.some(({ Code }) => Code !== 'None')) throw cancelled(reasons);
  return writes.map((write, index) => ({ write, after: made[index]?.after }));
}

function afterOf(write: Planned): { reason: Reason; after?: Item | undefined } {
  try {
    return { reason: { Code: 'None' }, after: write.after() };
  } catch (error) {
    // What only shows in the item itself, such as its size, cancels; all else was refused before.
    if (!(error instanceof Error) || error.name !== 'ValidationException') throw error;
    return { reason: { Code: 'ValidationError', Message: error.message } };
  }
}

function partOf(part: Record<string, Input>): [WriteKind, Input] {
  const [entry, ...more] = Object.entries(part).filter(
    ([, value]) => (value as Input | undefined) !== undefined,
  );
  const kind = writeKinds.find((known) => known === entry?.[0]);
  if (!entry || !kind || more.length > 0)
    throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  const { ReturnValues, ...input } = entry[1];
  if (ReturnValues !== undefined) throw new Error('not understood: ReturnValues in a transaction');
  return [kind, input];
}

/** Remembers the tokens of the transactions that were made. */
export class Tokens {
  readonly #made = new Map<string, { readonly input: Input; readonly untilMs: number }>();

  /** Whether this very call was made already; throws if its token was another call's. */
  wasMade(input: Input, nowMs: number): boolean {
    checkFields(input, 'TransactWrite');
    const before =
      input.ClientRequestToken === undefined ? undefined : this.#made.get(input.ClientRequestToken);
    if (!before || before.untilMs <= nowMs) return false;
    if (textOf(before.input) !== textOf(input)) throw tokenReused();
    return true;
  }

  made(input: Input, nowMs: number): void {
    if (input.ClientRequestToken === undefined) return;
    this.#made.set(input.ClientRequestToken, { input, untilMs: nowMs + TOKEN_LIFE_MS });
  }
}

function textOf({ TransactItems }: Input): string {
  return JSON.stringify(TransactItems, (_, value: unknown) => (value instanceof Set ? [...value] : value));
}
