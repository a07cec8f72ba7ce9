/**
 * Update expressions, compiled. Every operand is read from the item as it was before the update.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
import { invalid } from '../dynamodb/errors.ts';
import { kindOf, stored, type Item } from '../dynamodb/values.ts';
import { keyOf, present, readOperand, readPath, valueAt, type Operand, type Path } from './operands.ts';
import { changed } from './place.ts';
import { compiledOnce, type Bound, type Reader } from './reader.ts';

/** Gives the item after the update, as a new frozen copy. */
export type Update = (item: Item, bound: Bound) => Item;

interface Action {
  readonly path: Path;
  /** The new value; undefined removes it. */
  readonly value: Operand;
}

export const update = compiledOnce('UpdateExpression', (reader): Update => {
  const clauses = new Map<string, Action[]>();
  while (reader.peek() !== undefined) {
    const name = reader.next().toUpperCase();
    const readAction = actions[name];
    if (!readAction) throw reader.wrong(`syntax error; token: "${name}"`);
    if (clauses.has(name)) throw reader.wrong(`The "${name}" section can only be used once`);
    const found = [readAction(reader)];
    while (reader.takes(',')) found.push(readAction(reader));
    clauses.set(name, found);
  }
  const all = [...clauses.values()].flat();
  const names = new Set(all.map(({ path }) => path[0]));
  const isPlain = all.every(({ path }) => path.length === 1 && !path[0].startsWith('#'));
  return isPlain && names.size === all.length
    ? (item, bound) => applyPlain(all, item, bound)
    : (item, bound) => applyAll(all, item, bound);
});

/** The usual update: whole attributes by their own names, none of them twice. */
function applyPlain(all: readonly Action[], item: Item, bound: Bound): Item {
  const after: Record<string, unknown> = { ...item };
  for (const { path, value } of all) {
    const made = value(item, bound);
    if (made !== undefined) after[path[0]] = stored(made);
    else Reflect.deleteProperty(after, path[0]);
  }
  return Object.freeze(after);
}

function applyAll(all: readonly Action[], item: Item, bound: Bound): Item {
  checkOverlap(all, bound);
  const changes = new Map<string, unknown>();
  for (const { path, value } of all) {
    const made = value(item, bound);
    const attribute = String(keyOf(path[0], bound));
    const before = changes.has(attribute) ? changes.get(attribute) : own(item, attribute);
    const rest = path.slice(1).map((part) => keyOf(part, bound));
    changes.set(attribute, changed(before, rest, made === undefined ? undefined : stored(made)));
  }
  const after: Record<string, unknown> = {};
  for (const name in item) {
    const value = changes.has(name) ? changes.get(name) : item[name];
    if (value !== undefined) after[name] = value;
  }
  for (const [name, value] of changes) if (value !== undefined) after[name] = value;
  return Object.freeze(after);
}

function own(item: Item, name: string): unknown {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

function checkOverlap(all: readonly Action[], bound: Bound): void {
  const attributes = new Set(all.map(({ path }) => keyOf(path[0], bound)));
  if (attributes.size === all.length) return;
  const paths = all.map(({ path }) => path.map((part) => keyOf(part, bound)));
  const isPartOf = (path: readonly unknown[], whole: readonly unknown[]) =>
    whole.every((part, depth) => part === path[depth]);
  const places = paths.filter((path, index) => {
    if (paths.some((other, at) => at !== index && isPartOf(path, other)))
      throw invalid('Invalid UpdateExpression: Two document paths overlap with each other');
    return typeof path.at(-1) === 'number';
  });
  // The second place of one list would have moved when the first one is gone.
  if (places.length > 1) throw new Error('not understood: several places of lists in one update');
}

const actions: Readonly<Record<string, (reader: Reader) => Action>> = {
  SET: (reader) => {
    const path = readPath(reader);
    reader.expect('=');
    return { path, value: readSum(reader) };
  },
  REMOVE: (reader) => ({ path: readPath(reader), value: () => undefined }),
  ADD: (reader) => {
    const path = readPath(reader);
    const more = reader.value();
    return { path, value: (item, bound) => added(valueAt(path, item, bound), bound.values[more]) };
  },
  DELETE: (reader) => {
    const path = readPath(reader);
    const less = reader.value();
    return { path, value: (item, bound) => without(valueAt(path, item, bound), bound.values[less]) };
  },
};

const functions: Readonly<Record<string, (reader: Reader) => Operand>> = {
  if_not_exists: (reader) => {
    const path = readPath(reader);
    reader.expect(',');
    const fallback = readOperand(reader, functions);
    return (item, bound) => {
      const value = valueAt(path, item, bound);
      return value === undefined ? fallback(item, bound) : value;
    };
  },
  list_append: (reader) => {
    const first = readOperand(reader, functions);
    reader.expect(',');
    const second = readOperand(reader, functions);
    return (item, bound) => {
      const [head, tail] = [present(first(item, bound)), present(second(item, bound))];
      if (!Array.isArray(head) || !Array.isArray(tail))
        throw wrongKind('list_append', Array.isArray(head) ? tail : head);
      return [...(head as unknown[]), ...(tail as unknown[])];
    };
  },
};

function readSum(reader: Reader): Operand {
  const left = readOperand(reader, functions);
  const sign = reader.takes('+') ? 1 : reader.takes('-') ? -1 : 0;
  if (sign === 0) return (item, bound) => present(left(item, bound));
  const right = readOperand(reader, functions);
  return (item, bound) => {
    const [a, b] = [present(left(item, bound)), present(right(item, bound))];
    return numberIn(a) + sign * numberIn(b);
  };
}

/** DynamoDB counts in decimal. Only whole numbers come out the same here, so nothing else is understood. */
function numberIn(value: unknown): number {
  if (typeof value !== 'number') throw wrongKind('+', value);
  if (!Number.isSafeInteger(value)) throw new Error(`not understood: arithmetic with ${value}`);
  return value;
}

function added(before: unknown, more: unknown): unknown {
  if (typeof more === 'number') return numberIn(before ?? 0) + numberIn(more);
  if (!(more instanceof Set)) throw wrongKind('ADD', more);
  if (before === undefined) return more;
  if (kindOf(before) !== kindOf(more)) throw wrongKind('ADD', before);
  return new Set([...(before as Set<unknown>), ...more]);
}

function without(before: unknown, less: unknown): unknown {
  if (!(less instanceof Set)) throw wrongKind('DELETE', less);
  if (before === undefined) return undefined;
  if (kindOf(before) !== kindOf(less)) throw wrongKind('DELETE', before);
  const rest = [...(before as Set<unknown>)].filter((member) => !less.has(member));
  // There is no empty set.
  return rest.length > 0 ? new Set(rest) : undefined;
}

function wrongKind(operator: string, value: unknown): Error {
  return invalid(
    `An operand in the update expression has an incorrect data type: operator or function: ${operator}, operand type: ${kindOf(value)}`,
  );
}
