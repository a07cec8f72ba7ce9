/** Paths and operands: what an expression names in an item, or brings along. */
import { invalid } from '../dynamodb/errors.ts';
import type { Item } from '../dynamodb/values.ts';
import type { Bound, Reader } from './reader.ts';

export type Operand = (item: Item, bound: Bound) => unknown;

/** Attribute names, placeholders of them, and places in lists, from the outside in. */
export type Path = readonly [string, ...(string | number)[]];

export function readPath(reader: Reader): Path {
  const path: [string, ...(string | number)[]] = [reader.name()];
  for (;;) {
    if (reader.takes('.')) path.push(reader.name());
    else if (reader.takes('[')) {
      const place = reader.next();
      if (!/^\d+$/.test(place)) throw reader.wrong(`syntax error; token: "${place}"`);
      path.push(Number(place));
      reader.expect(']');
    } else return path;
  }
}

/** The name that a part of a path stands for. */
export function keyOf(part: string | number, { names }: Bound): string | number {
  if (typeof part === 'number' || !part.startsWith('#')) return part;
  return names[part] ?? part;
}

export function valueAt(path: Path, item: Item, bound: Bound): unknown {
  let value: unknown = item[keyOf(path[0], bound)];
  for (let depth = 1; depth < path.length && value !== undefined; depth++) {
    value = member(value, keyOf(path[depth] ?? '', bound));
  }
  return value;
}

/** A part of a value; undefined where it has none. */
export function member(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? (value as unknown[])[key] : undefined;
  const isMap =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Set);
  return isMap && Object.hasOwn(value, key) ? (value as Item)[key] : undefined;
}

/** A path or a value. `functions` are tried first where a parenthesis follows. */
export function readOperand(
  reader: Reader,
  functions: Readonly<Record<string, (reader: Reader) => Operand>>,
): Operand {
  const word = reader.peek() ?? '';
  if (reader.peek(1) === '(') {
    const known = Object.hasOwn(functions, word) ? functions[word] : undefined;
    if (!known) throw reader.wrong(`Invalid function name; function: ${word}`);
    reader.next();
    reader.expect('(');
    const operand = known(reader);
    reader.expect(')');
    return operand;
  }
  if (word.startsWith(':')) {
    const name = reader.value();
    return (_item, { values }) => values[name];
  }
  const path = readPath(reader);
  const [first] = path;
  if (path.length === 1 && !first.startsWith('#')) return (item) => item[first];
  return (item, bound) => valueAt(path, item, bound);
}

/** For an operand that must be there. */
export function present(value: unknown): unknown {
  if (value === undefined) {
    throw invalid('The provided expression refers to an attribute that does not exist in the item');
  }
  return value;
}
