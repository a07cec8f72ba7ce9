/**
 * Condition and filter expressions, compiled.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
import { compare, isSame, kindOf, type Item } from '../dynamodb/values.ts';
import { readOperand, readPath, valueAt, type Operand } from './operands.ts';
import { compiledOnce, type Bound, type Reader } from './reader.ts';

/** Whether it holds for an item; an absent one has no attributes. */
export type Condition = (item: Item, bound: Bound) => boolean;

export const condition = compiledOnce('ConditionExpression', readEither);
export const filter = compiledOnce('FilterExpression', readEither);

function readEither(reader: Reader): Condition {
  let left = readBoth(reader);
  while (reader.takes('OR')) {
    const [before, right] = [left, readBoth(reader)];
    left = (item, bound) => before(item, bound) || right(item, bound);
  }
  return left;
}

function readBoth(reader: Reader): Condition {
  let left = readOne(reader);
  while (reader.takes('AND')) {
    const [before, right] = [left, readOne(reader)];
    left = (item, bound) => before(item, bound) && right(item, bound);
  }
  return left;
}

function readOne(reader: Reader): Condition {
  if (reader.takes('NOT')) {
    const denied = readOne(reader);
    return (item, bound) => !denied(item, bound);
  }
  if (reader.takes('(')) {
    const inner = readEither(reader);
    reader.expect(')');
    return inner;
  }
  const word = reader.peek() ?? '';
  const known = reader.peek(1) === '(' && Object.hasOwn(functions, word) ? functions[word] : undefined;
  if (!known) return readComparison(reader);
  reader.next();
  reader.expect('(');
  const test = known(reader);
  reader.expect(')');
  return test;
}

const functions: Readonly<Record<string, (reader: Reader) => Condition>> = {
  attribute_exists: (reader) => {
    const path = readPath(reader);
    return (item, bound) => valueAt(path, item, bound) !== undefined;
  },
  attribute_not_exists: (reader) => {
    const path = readPath(reader);
    return (item, bound) => valueAt(path, item, bound) === undefined;
  },
  attribute_type: (reader) => {
    const path = readPath(reader);
    reader.expect(',');
    const kind = reader.value();
    return (item, bound) => {
      const value = valueAt(path, item, bound);
      return value !== undefined && kindOf(value) === bound.values[kind];
    };
  },
  begins_with: (reader) => {
    const [whole, start] = readTwo(reader);
    return (item, bound) => {
      const [text, prefix] = [whole(item, bound), start(item, bound)];
      return typeof text === 'string' && typeof prefix === 'string' && text.startsWith(prefix);
    };
  },
  contains: (reader) => {
    const [whole, part] = readTwo(reader);
    return (item, bound) => contains(whole(item, bound), part(item, bound));
  },
};

function contains(whole: unknown, part: unknown): boolean {
  if (typeof whole === 'string') return typeof part === 'string' && whole.includes(part);
  if (whole instanceof Set) return whole.has(part);
  return Array.isArray(whole) && whole.some((one) => isSame(one, part));
}

const operandFunctions = {
  size: (reader: Reader): Operand => {
    const path = readPath(reader);
    return (item, bound) => sizeIn(valueAt(path, item, bound));
  },
};

function sizeIn(value: unknown): number | undefined {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value instanceof Set) return value.size;
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

const operand = (reader: Reader): Operand => readOperand(reader, operandFunctions);

function readTwo(reader: Reader): [Operand, Operand] {
  const first = operand(reader);
  reader.expect(',');
  return [first, operand(reader)];
}

function readComparison(reader: Reader): Condition {
  const left = operand(reader);
  if (reader.takes('BETWEEN')) {
    const low = operand(reader);
    reader.expect('AND');
    const high = operand(reader);
    return (item, bound) => {
      const value = left(item, bound);
      return isOrdered(low(item, bound), '<=', value) && isOrdered(value, '<=', high(item, bound));
    };
  }
  if (reader.takes('IN')) return readIn(reader, left);
  const operator = reader.next();
  const right = operand(reader);
  switch (operator) {
    case '=':
      return (item, bound) => isSame(left(item, bound), right(item, bound));
    case '<>':
      // A missing attribute equals nothing, so it differs from everything.
      return (item, bound) => !isSame(left(item, bound), right(item, bound));
    case '<':
    case '<=':
    case '>':
    case '>=':
      return (item, bound) => isOrdered(left(item, bound), operator, right(item, bound));
    default:
      throw reader.wrong(`syntax error; token: "${operator}"`);
  }
}

function readIn(reader: Reader, left: Operand): Condition {
  reader.expect('(');
  const choices = [operand(reader)];
  while (reader.takes(',')) choices.push(operand(reader));
  reader.expect(')');
  return (item, bound) => {
    const value = left(item, bound);
    return choices.some((choice) => isSame(value, choice(item, bound)));
  };
}

/** A missing attribute, and one of another kind, is neither less nor more. */
export function isOrdered(left: unknown, operator: '<' | '<=' | '>' | '>=', right: unknown): boolean {
  const order = compare(left, right);
  if (order === undefined) return false;
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}
