/**
 * The size of an item by DynamoDB's rules.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
import type { Item } from './values.ts';

/** 400 KB, attribute names included. */
export const LARGEST_ITEM_BYTES = 400 * 1024;
/** What one page of a query or scan holds at most. */
export const PAGE_BYTES = 1024 * 1024;

export function sizeOf(item: Item): number {
  let bytes = 0;
  for (const name in item) bytes += Buffer.byteLength(name) + valueBytes(item[name]);
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  // About one byte for two significant digits, and one more.
  if (typeof value === 'number') return Math.ceil(String(Math.abs(value)).length / 2) + 1;
  return typeof value === 'boolean' ? 1 : objectBytes(value);
}

function objectBytes(value: unknown): number {
  if (value === null || value === undefined) return 1;
  if (value instanceof Uint8Array) return value.byteLength;
  if (value instanceof Set) return sum(value);
  // A list or map has three bytes of its own, and one for each member.
  if (Array.isArray(value)) return 3 + value.length + sum(value);
  return 3 + Object.keys(value).length + sizeOf(value as Item);
}

function sum(values: Iterable<unknown>): number {
  let bytes = 0;
  for (const value of values) bytes += valueBytes(value);
  return bytes;
}

/** More than any number needs, with what a member costs besides. */
const SMALL_VALUE_BYTES = 24;

/**
 * Nothing is larger than this. Every write asks, and nearly none comes near the limit: so it reads lengths alone. No
 * character needs more than three bytes for each of its units.
 */
export function sizeAtMost(item: Item): number {
  let bytes = 0;
  for (const name in item) {
    const value = item[name];
    bytes += name.length * 3 + SMALL_VALUE_BYTES;
    if (typeof value === 'string') bytes += value.length * 3;
    else if (typeof value === 'object' && value !== null) bytes += objectAtMost(value);
  }
  return bytes;
}

function objectAtMost(value: object): number {
  if (!Array.isArray(value) && !(value instanceof Set))
    return value instanceof Uint8Array ? value.byteLength : sizeAtMost(value as Item);
  let bytes = 0;
  for (const member of value as Iterable<unknown>) {
    bytes += SMALL_VALUE_BYTES;
    if (typeof member === 'string') bytes += member.length * 3;
    else if (typeof member === 'object' && member !== null) bytes += objectAtMost(member);
  }
  return bytes;
}
