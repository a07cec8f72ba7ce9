/** One page of a query or a scan: in order, up to a limit or a size, then filtered and projected. */
import { filter } from '../expressions/condition.ts';
import { projection } from '../expressions/projection.ts';
import { keyCondition } from '../expressions/key-condition.ts';
import { checkPlaceholders, type Bound, type Compiled } from '../expressions/reader.ts';
import { invalid } from './errors.ts';
import { boundBy, checkFields, type Input } from './input.ts';
import type { KeySchema } from './schema.ts';
import { PAGE_BYTES, sizeAtMost, sizeOf } from './size.ts';
import { compare, compareText, type Item } from './values.ts';

export interface Page {
  readonly Items?: Item[];
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey?: Item;
}

/** Where the entries come from, by sort key. */
export interface Source {
  readonly schema: KeySchema;
  readonly partition: (value: string) => Item[];
  readonly all: () => Item[];
}

export function queried(input: Input, { schema, partition }: Source): Page {
  checkFields(input, 'Query');
  const bound = boundBy(input);
  if (input.KeyConditionExpression === undefined) throw invalid('a query needs a KeyConditionExpression');
  const keys = keyCondition(input.KeyConditionExpression);
  const view = viewOf(input, bound, [keys]);
  const value = keys.run.partition(schema.partition, schema.sort, bound);
  if (typeof value !== 'string' || value === '')
    throw invalid(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
  const found = partition(value).filter((item) => keys.run.fits(schema.sort, item[schema.sort], bound));
  if (input.ScanIndexForward === false) found.reverse();
  const start = input.ExclusiveStartKey;
  if (start && start[schema.partition] !== value)
    throw invalid('The provided starting key is outside query boundaries based on provided conditions');
  return pageOf(start ? after(found, start, input, schema) : found, input, schema, view);
}

export function scanned(input: Input, { schema, all }: Source): Page {
  checkFields(input, 'Scan');
  const found = all();
  const start = input.ExclusiveStartKey;
  const at = start ? found.findIndex((item) => item['pk'] === start['pk'] && item['sk'] === start['sk']) : -1;
  // Any order is right for a scan, but a start that is gone has no place in this one.
  if (start && at < 0) throw new Error('not understood: a scan from an item that is gone');
  return pageOf(found.slice(at + 1), input, schema, viewOf(input, boundBy(input), []));
}

/** What comes after a key in this order, whether or not its item is still there. */
function after(found: readonly Item[], start: Item, input: Input, schema: KeySchema): Item[] {
  const wanted = new Set(['pk', 'sk', schema.partition, schema.sort]);
  const given = Object.keys(start);
  if (given.length !== wanted.size || given.some((name) => !wanted.has(name)))
    throw invalid('The provided starting key is invalid');
  const direction = input.ScanIndexForward === false ? -1 : 1;
  return found.filter((item) => direction * order(item, start, schema) > 0);
}

function order(a: Item, b: Item, { sort }: KeySchema): number {
  return (
    compare(a[sort], b[sort]) ||
    compareText(String(a['pk']), String(b['pk'])) ||
    compareText(String(a['sk']), String(b['sk']))
  );
}

interface View {
  readonly keeps: (item: Item) => boolean;
  readonly shown: (item: Item) => Item;
}

function viewOf(input: Input, bound: Bound, others: readonly Compiled<unknown>[]): View {
  const kept = input.FilterExpression === undefined ? undefined : filter(input.FilterExpression);
  const parts = input.ProjectionExpression === undefined ? undefined : projection(input.ProjectionExpression);
  const used: Compiled<unknown>[] = [...others];
  if (kept) used.push(kept);
  if (parts) used.push(parts);
  checkPlaceholders(used, bound);
  return {
    keeps: (item) => !kept || kept.run(item, bound),
    shown: (item) => (parts ? parts.run(item, bound) : item),
  };
}

function pageOf(found: readonly Item[], input: Input, schema: KeySchema, view: View): Page {
  if (input.Limit !== undefined && !(input.Limit >= 1)) throw invalid('Limit must be at least 1');
  const most = input.Limit ?? Infinity;
  const scannedItems = found.slice(0, Math.min(most, countWithin(found, PAGE_BYTES)));
  // At its limit DynamoDB has not looked whether there is more, and says that there may be.
  const isCut = scannedItems.length >= most || scannedItems.length < found.length;
  const last = isCut ? scannedItems.at(-1) : undefined;
  const kept = scannedItems.filter(view.keeps);
  if (input.Select !== undefined && input.Select !== 'COUNT')
    throw new Error(`not understood: ${input.Select}`);
  return {
    ...(input.Select !== 'COUNT' && { Items: kept.map(view.shown) }),
    Count: kept.length,
    ScannedCount: scannedItems.length,
    ...(last && { LastEvaluatedKey: startKeyOf(last, schema) }),
  };
}

/** How many items a page of that size takes, with the one that fills it. */
function countWithin(items: readonly Item[], most: number): number {
  if (items.reduce((sum, item) => sum + sizeAtMost(item), 0) < most) return items.length;
  let bytes = 0;
  const at = items.findIndex((item) => (bytes += sizeOf(item)) >= most);
  return at < 0 ? items.length : at + 1;
}

function startKeyOf(item: Item, { partition, sort }: KeySchema): Item {
  return { pk: item['pk'], sk: item['sk'], [partition]: item[partition], [sort]: item[sort] };
}
