/** Projection expressions: the parts of an item that a caller wants. */
import { member, keyOf, readPath, type Path } from './operands.ts';
import { compiledOnce, type Bound } from './reader.ts';
import type { Item } from '../dynamodb/values.ts';

export const projection = compiledOnce('ProjectionExpression', (reader) => {
  const paths: Path[] = [readPath(reader)];
  while (reader.takes(',')) paths.push(readPath(reader));
  if (paths.some((path) => path.some((part) => typeof part === 'number')))
    throw new Error('not understood: a projection of a place in a list');
  return (item: Item, bound: Bound): Item => {
    const found: Record<string, unknown> = {};
    for (const path of paths)
      take(
        found,
        item,
        path.map((part) => String(keyOf(part, bound))),
      );
    return found;
  };
});

function take(into: Record<string, unknown>, from: unknown, [key = '', ...rest]: readonly string[]): void {
  const value = member(from, key);
  if (value === undefined) return;
  if (rest.length === 0) {
    into[key] = value;
    return;
  }
  const inner = { ...(into[key] as Record<string, unknown> | undefined) };
  take(inner, value, rest);
  if (Object.keys(inner).length > 0) into[key] = inner;
}
