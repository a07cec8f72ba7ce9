/** Plans one write: what its condition says of the item as it is, and what the item would be after it. */
import { condition } from '../expressions/condition.ts';
import { checkPlaceholders } from '../expressions/reader.ts';
import { update } from '../expressions/update.ts';
import { invalid } from './errors.ts';
import { boundBy, checkFields, type Input } from './input.ts';
import { checkIndexKeys, keyIn, keyOfItem, type Key } from './schema.ts';
import { LARGEST_ITEM_BYTES, sizeAtMost, sizeOf } from './size.ts';
import { stored, type Item } from './values.ts';

export const writeKinds = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const;
export type WriteKind = (typeof writeKinds)[number];

export interface Planned {
  readonly kind: WriteKind;
  readonly key: Key;
  readonly before: Item | undefined;
  /** Whether the condition holds; where it does not, nothing is made. */
  readonly holds: boolean;
  /** The item after it. Only where the condition holds; throws what DynamoDB refuses then. */
  readonly after: () => Item | undefined;
}

const nothing: Item = {};

export function planned(kind: WriteKind, input: Input, itemAt: (key: Key) => Item | undefined): Planned {
  checkFields(input, kind);
  const bound = boundBy(input);
  const put = kind === 'Put' ? (stored(input.Item ?? {}) as Item) : undefined;
  const key = put ? keyOfItem(put) : keyIn(input.Key);
  const test = input.ConditionExpression === undefined ? undefined : condition(input.ConditionExpression);
  const change = input.UpdateExpression === undefined ? undefined : update(input.UpdateExpression);
  checkPlaceholders(
    [test, change].filter((one) => one !== undefined),
    bound,
  );
  const before = itemAt(key);
  return {
    kind,
    key,
    before,
    holds: !test || test.run(before ?? nothing, bound),
    after: () => {
      if (kind === 'Delete') return undefined;
      if (kind === 'ConditionCheck') return before;
      const after = put ?? updated(key, before, (item) => change?.run(item, bound) ?? item);
      checkIndexKeys(after);
      checkSize(after);
      return after;
    },
  };
}

function updated(key: Key, before: Item | undefined, change: (item: Item) => Item): Item {
  const after = change(before ?? { ...key });
  if (after['pk'] !== key.pk || after['sk'] !== key.sk) {
    throw invalid(
      'One or more parameter values were invalid: Cannot update attribute pk or sk. This attribute is part of the key',
    );
  }
  return after;
}

function checkSize(item: Item): void {
  if (sizeAtMost(item) > LARGEST_ITEM_BYTES && sizeOf(item) > LARGEST_ITEM_BYTES)
    throw invalid('Item size to update has exceeded the maximum allowed size');
}
