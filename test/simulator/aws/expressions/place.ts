/** A copy of a frozen value with one place changed; what lies beside the way to it is shared. */
import { invalid } from '../dynamodb/errors.ts';

/** `value` undefined removes the place; an empty path replaces all. */
export function changed(holder: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    if (!Array.isArray(holder)) throw noSuchPlace();
    return changedList(holder, key, changed(holder[key], rest, value));
  }
  if (!isMap(holder)) throw noSuchPlace();
  const copy = { ...holder };
  const inner = changed(Object.hasOwn(holder, key) ? copy[key] : undefined, rest, value);
  if (inner === undefined) Reflect.deleteProperty(copy, key);
  else copy[key] = inner;
  return Object.freeze(copy);
}

function isMap(value: unknown): value is Record<string, unknown> {
  const isPlain = typeof value === 'object' && value !== null;
  return isPlain && !Array.isArray(value) && !(value instanceof Set) && !(value instanceof Uint8Array);
}

function changedList(list: readonly unknown[], at: number, value: unknown): unknown {
  if (value === undefined) return Object.freeze(list.filter((_, index) => index !== at));
  // A place beyond the end is the next one.
  return Object.freeze(list.toSpliced(Math.min(at, list.length), 1, value));
}

function noSuchPlace(): Error {
  return invalid('The document path provided in the update expression is invalid for update');
}
