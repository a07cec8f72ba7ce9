/**
 * The size of an item by DynamoDB's rules.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
import type { Item } from './values.ts';

/** 400 KB, attribute names included. */
export const LARGEST_ITEM_BYTES = 400 * 1024;
/** What one page of a query or scan holds at most. */
export const PAGE_BYTES = 1024 * 1024;

export const sizeOf = (item: Item): number => attributes(item, (text) => Buffer.byteLength(text));

/** No character needs more than three bytes for each of its units: a bound that costs no call. */
export const sizeAtMost = (item: Item): number => attributes(item, (text) => text.length * 3);

type Measure = (text: string) => number;

function attributes(item: Item, measure: Measure): number {
  let bytes = 0;
  for (const name in item) bytes += measure(name) + valueBytes(item[name], measure);
  return bytes;
}

function valueBytes(value: unknown, measure: Measure): number {
  if (typeof value === 'string') return measure(value);
  // About one byte for two significant digits, and one more.
  if (typeof value === 'number') return Math.ceil(String(Math.abs(value)).length / 2) + 1;
  return typeof value === 'boolean' ? 1 : objectBytes(value, measure);
}

function objectBytes(value: unknown, measure: Measure): number {
  if (value === null || value === undefined) return 1;
  if (value instanceof Uint8Array) return value.byteLength;
  if (value instanceof Set) return sum(value, measure);
  // A list or map has three bytes of its own, and one for each member.
  if (Array.isArray(value)) return 3 + value.length + sum(value, measure);
  return 3 + Object.keys(value).length + attributes(value as Item, measure);
}

function sum(values: Iterable<unknown>, measure: Measure): number {
  let bytes = 0;
  for (const value of values) bytes += valueBytes(value, measure);
  return bytes;
}
