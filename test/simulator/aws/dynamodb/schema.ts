/** The one table's keys (lib/state.ts), and what DynamoDB asks of them. */
import { indexes } from '../../../../lambdas/runtime/env-names.ts';
import { invalid } from './errors.ts';
import { kindOf, type Item } from './values.ts';

export interface KeySchema {
  readonly name: string;
  readonly partition: string;
  readonly sort: string;
  readonly sortKind: 'S' | 'N';
}

export const tableKey: KeySchema = { name: 'table', partition: 'pk', sort: 'sk', sortKind: 'S' };
export const indexKeys: readonly KeySchema[] = [
  { name: indexes.byList, partition: 'listKey', sort: 'listSort', sortKind: 'S' },
  { name: indexes.byDue, partition: 'dueKey', sort: 'dueAt', sortKind: 'N' },
];

/** A partition key holds up to 2048 bytes, a sort key up to 1024. */
const LONGEST_PK_BYTES = 2048;
const LONGEST_SK_BYTES = 1024;

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** The key of a call: exactly the two attributes. */
export function keyIn(given: Item | undefined): Key {
  if (!given || Object.keys(given).length !== 2)
    throw invalid('The provided key element does not match the schema');
  return keyOfItem(given);
}

export function keyOfItem(item: Item): Key {
  const { pk, sk } = item;
  if (typeof pk !== 'string' || typeof sk !== 'string')
    throw invalid('One or more parameter values were invalid: the key does not match the schema');
  if (pk === '' || sk === '') {
    throw invalid(
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value.',
    );
  }
  if (isLonger(pk, LONGEST_PK_BYTES) || isLonger(sk, LONGEST_SK_BYTES))
    throw invalid('One or more parameter values were invalid: the key is too long');
  return { pk, sk };
}

/** Short text is not measured: no character needs more than three bytes for each of its units. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

/** An attribute that is a key of an index must be of its kind, in every item that has it. */
export function checkIndexKeys(item: Item): void {
  for (const { name, partition, sort, sortKind } of indexKeys) {
    checkIndexKey(name, partition, 'S', item[partition]);
    checkIndexKey(name, sort, sortKind, item[sort]);
  }
}

function checkIndexKey(index: string, attribute: string, kind: 'S' | 'N', value: unknown): void {
  if (value === undefined) return;
  const found = kindOf(value);
  if (found !== kind) {
    throw invalid(
      `One or more parameter values were invalid: Type mismatch for Index Key ${attribute} Expected: ${kind} Actual: ${found} IndexName: ${index}`,
    );
  }
  if (value === '') {
    throw invalid(
      `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${index}, IndexKey: ${attribute}`,
    );
  }
}
