/**
 * Key conditions of a query: the partition by equality, and at most one condition on the sort key.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
 */
import { keyOf } from './operands.ts';
import { isOrdered } from './condition.ts';
import { compiledOnce, type Bound, type Reader } from './reader.ts';

interface Part {
  readonly name: string;
  readonly operator: string;
  readonly test: (value: unknown, bound: Bound) => boolean;
  /** The placeholder of the value, where there is just one. */
  readonly value: string;
}

export interface KeyCondition {
  /** The value of the partition that is asked for; throws if the condition does not fit the keys. */
  partition(partitionKey: string, sortKey: string, bound: Bound): unknown;
  /** Whether a sort key's value is among those asked for. */
  fits(sortKey: string, value: unknown, bound: Bound): boolean;
}

export const keyCondition = compiledOnce('KeyConditionExpression', (reader): KeyCondition => {
  const parts = [readPart(reader)];
  while (reader.takes('AND')) parts.push(readPart(reader));
  const wrong = () => reader.wrong('Query key condition not supported');
  const named = (name: string, bound: Bound) => parts.filter((part) => keyOf(part.name, bound) === name);
  return {
    partition(partitionKey, sortKey, bound) {
      const [equal, ...more] = named(partitionKey, bound);
      const sorts = named(sortKey, bound);
      if (!equal) throw reader.wrong(`Query condition missed key schema element: ${partitionKey}`);
      if (equal.operator !== '=' || more.length > 0 || sorts.length > 1) throw wrong();
      if (sorts.length + 1 !== parts.length) throw wrong();
      return bound.values[equal.value];
    },
    fits: (sortKey, value, bound) => named(sortKey, bound).every((part) => part.test(value, bound)),
  };
});

function readPart(reader: Reader): Part {
  if (reader.takes('(')) {
    const inner = readPart(reader);
    reader.expect(')');
    return inner;
  }
  if (reader.peek() === 'begins_with' && reader.peek(1) === '(') return readPrefix(reader);
  const name = reader.name();
  if (reader.takes('BETWEEN')) {
    const low = reader.value();
    reader.expect('AND');
    const high = reader.value();
    const test = (value: unknown, { values }: Bound) =>
      isOrdered(values[low], '<=', value) && isOrdered(value, '<=', values[high]);
    return { name, operator: 'BETWEEN', value: low, test };
  }
  const operator = reader.next();
  const value = reader.value();
  switch (operator) {
    case '=':
      return { name, operator, value, test: (found, { values }) => found === values[value] };
    case '<':
    case '<=':
    case '>':
    case '>=':
      return {
        name,
        operator,
        value,
        test: (found, { values }) => isOrdered(found, operator, values[value]),
      };
    default:
      throw reader.wrong(`Invalid operator used in KeyConditionExpression: ${operator}`);
  }
}

function readPrefix(reader: Reader): Part {
  reader.next();
  reader.expect('(');
  const name = reader.name();
  reader.expect(',');
  const value = reader.value();
  reader.expect(')');
  const test = (found: unknown, { values }: Bound) =>
    typeof found === 'string' && found.startsWith(String(values[value]));
  return { name, operator: 'begins_with', value, test };
}
