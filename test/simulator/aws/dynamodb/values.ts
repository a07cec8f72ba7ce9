/**
 * Attribute values as the document client takes and gives them. What is stored is a deep-frozen copy: many versions of
 * an item share their parts, and a caller who changes what it has read throws instead of changing the table.
 */

export type Item = Readonly<Record<string, unknown>>;
export type Kind = 'S' | 'N' | 'BOOL' | 'NULL' | 'L' | 'M' | 'SS' | 'NS' | 'B';

/** The copy that is stored, without what is undefined; throws at what the document client could not send. */
export function stored(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return storedNumber(value);
  if (typeof value === 'object') return storedObject(value);
  throw new Error(`a ${typeof value} cannot be an attribute value`);
}

function storedNumber(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`Special numeric value ${value} is not allowed`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new Error(`Number ${value} is not a safe one`);
  return value;
}

function storedObject(value: object): unknown {
  if (Array.isArray(value)) {
    return Object.freeze(value.filter((member) => member !== undefined).map(stored));
  }
  if (value instanceof Set) {
    if (value.size === 0) throw new Error('Pass a non-empty set');
    const kinds = new Set([...value].map(kindOf));
    if (kinds.size > 1 || !(kinds.has('S') || kinds.has('N'))) throw new Error('a set of mixed kinds');
    return Object.freeze(new Set(value));
  }
  if (value instanceof Uint8Array) return value.slice();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new Error(`a ${value.constructor.name} cannot be an attribute value`);
  }
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const member = (value as Item)[key];
    if (member !== undefined) copy[key] = stored(member);
  }
  return Object.freeze(copy);
}

export function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return 'S';
  if (typeof value === 'number') return 'N';
  if (typeof value === 'boolean') return 'BOOL';
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return 'L';
  if (value instanceof Uint8Array) return 'B';
  if (value instanceof Set) return typeof [...value][0] === 'number' ? 'NS' : 'SS';
  return 'M';
}

/** Whether two values are the same to DynamoDB: by type and content, sets and maps in any order. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return left !== undefined;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (kindOf(left) !== kindOf(right)) return false;
  if (left instanceof Set) {
    const other = right as Set<unknown>;
    return left.size === other.size && [...left].every((member) => other.has(member));
  }
  if (left instanceof Uint8Array) return compareBytes(left, right as Uint8Array) === 0;
  const [a, b] = [left as Item, right as Item];
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isSame(a[key], b[key]));
}

/** The order of two values of one kind; undefined where there is none. */
export function compare(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  return undefined;
}

const surrogate = /[\ud800-\udfff]/;

/** By the bytes of UTF-8, which differs from JavaScript's order only for what needs two units of UTF-16. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  if (surrogate.test(left) || surrogate.test(right))
    return compareBytes(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : 1;
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}
