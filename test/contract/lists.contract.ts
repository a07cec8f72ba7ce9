/**
 * Queries, their pages, and the indexes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
 */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import { suite, type Bench } from './bench.ts';
import { callsOn, refusalName } from './table-calls.ts';

/** A partition of its own with these sort keys. */
async function partitionOf(bench: Bench, sks: readonly string[], more: (sk: string) => object = () => ({})) {
  const rows = callsOn(bench);
  const { pk } = rows.newKey();
  for (const sk of sks) await rows.put({ pk, sk, ...more(sk) });
  const query = async (condition: string, values: Record<string, unknown>, options: object = {}) => {
    const page = await rows.query(
      `pk = :pk${condition}`,
      { ':pk': pk, ...values },
      { ConsistentRead: true, ...options },
    );
    return { sks: page.Items?.map((item) => String(item['sk'])), last: page.LastEvaluatedKey, page };
  };
  return { pk, query, rows };
}

export const lists = suite('dynamodb', 'queries', (say) => {
  say('a partition comes by its sort key, either way', async (bench) => {
    const { query } = await partitionOf(bench, ['b', 'a', 'B', '10', '9', 'é']);
    expect((await query('', {})).sks).toEqual(['10', '9', 'B', 'a', 'b', 'é']);
    expect((await query('', {}, { ScanIndexForward: false })).sks).toEqual(['é', 'b', 'a', 'B', '9', '10']);
  });

  say('sort keys are asked for by prefix, range and comparison', async (bench) => {
    const { query } = await partitionOf(bench, ['A#1', 'B#1', 'B#2', 'B#3', 'C#1']);
    const sks = async (condition: string, values: object) => (await query(condition, { ...values })).sks;
    expect(await sks(' AND begins_with(sk, :p)', { ':p': 'B#' })).toEqual(['B#1', 'B#2', 'B#3']);
    expect(await sks(' AND sk BETWEEN :a AND :b', { ':a': 'B#', ':b': 'B#2' })).toEqual(['B#1', 'B#2']);
    expect(await sks(' AND sk < :a', { ':a': 'B#2' })).toEqual(['A#1', 'B#1']);
    expect(await sks(' AND sk <= :a', { ':a': 'B#1' })).toEqual(['A#1', 'B#1']);
    expect(await sks(' AND sk > :a', { ':a': 'B#3' })).toEqual(['C#1']);
    expect(await sks(' AND sk = :a', { ':a': 'B#1' })).toEqual(['B#1']);
  });

  say('pages follow each other without gap or repeat', async (bench) => {
    const { query } = await partitionOf(bench, ['a', 'b', 'c', 'd', 'e']);
    const first = await query('', {}, { Limit: 2 });
    const second = await query('', {}, { Limit: 2, ExclusiveStartKey: first.last });
    const third = await query('', {}, { Limit: 2, ExclusiveStartKey: second.last });
    expect([first.sks, second.sks, third.sks]).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.last).toBeUndefined();
  });

  say('pages go backwards too', async (bench) => {
    const { query } = await partitionOf(bench, ['a', 'b', 'c']);
    const first = await query('', {}, { Limit: 2, ScanIndexForward: false });
    const second = await query('', {}, { Limit: 2, ScanIndexForward: false, ExclusiveStartKey: first.last });
    expect([first.sks, second.sks]).toEqual([['c', 'b'], ['a']]);
  });

  say('a page that ends at its limit says that there may be more, even at the end', async (bench) => {
    const { pk, query } = await partitionOf(bench, ['a', 'b']);
    const page = await query('', {}, { Limit: 2 });
    expect(page.last).toEqual({ pk, sk: 'b' });
    const after = await query('', {}, { Limit: 2, ExclusiveStartKey: page.last });
    expect([after.sks, after.last]).toEqual([[], undefined]);
  });

  say('a page may start after an item that is gone', async (bench) => {
    const { pk, query } = await partitionOf(bench, ['a', 'c']);
    expect((await query('', {}, { ExclusiveStartKey: { pk, sk: 'b' } })).sks).toEqual(['c']);
  });

  say('a start of another partition is refused', async (bench) => {
    const { query } = await partitionOf(bench, ['a']);
    const start = { pk: 'another', sk: 'a' };
    expect(await refusalName(query('', {}, { ExclusiveStartKey: start }))).toBe('ValidationException');
  });

  say('a page ends after a megabyte', async (bench) => {
    const { query } = await partitionOf(bench, ['a', 'b', 'c', 'd', 'e'], () => ({
      piece: 'x'.repeat(300_000),
    }));
    const first = await query('', {});
    expect(first.sks?.length).toBeLessThan(5);
    const second = await query('', {}, { ExclusiveStartKey: first.last });
    expect([...(first.sks ?? []), ...(second.sks ?? [])]).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(second.last).toBeUndefined();
  });

  say('COUNT counts and brings nothing', async (bench) => {
    const { query } = await partitionOf(bench, ['a', 'b']);
    const { page } = await query('', {}, { Select: 'COUNT' });
    expect([page.Count, page.Items]).toEqual([2, undefined]);
  });

  say('a filter works after the limit', async (bench) => {
    const { query } = await partitionOf(bench, ['a', 'b', 'c'], (sk) => ({ odd: sk !== 'b' }));
    const { sks, page } = await query('', { ':yes': true }, { Limit: 2, FilterExpression: 'odd = :yes' });
    expect([sks, page.Count, page.ScannedCount]).toEqual([['a'], 1, 2]);
  });

  say('a projection brings what it names', async (bench) => {
    const { query } = await partitionOf(bench, ['a'], () => ({ a: 1, map: { x: 1, y: 2 } }));
    const { page } = await query(
      '',
      {},
      { ProjectionExpression: 'a, #map.y', ExpressionAttributeNames: { '#map': 'map' } },
    );
    expect(page.Items).toEqual([{ a: 1, map: { y: 2 } }]);
  });

  say('a condition that is not about the keys is refused', async (bench) => {
    const { query, rows } = await partitionOf(bench, ['a']);
    expect(await refusalName(query(' AND other = :x', { ':x': 1 }))).toBe('ValidationException');
    expect(await refusalName(rows.query('sk = :x', { ':x': 'a' }))).toBe('ValidationException');
    expect(await refusalName(rows.query('pk > :x', { ':x': 'a' }))).toBe('ValidationException');
  });

  say('a scan finds every item, page by page', async (bench) => {
    const { pk } = await partitionOf(bench, ['a', 'b', 'c']);
    const found: string[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await bench.table.client.send(
        new ScanCommand({
          TableName: bench.table.name,
          ConsistentRead: true,
          FilterExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': pk },
          ExclusiveStartKey,
          Limit: 50,
        }),
      );
      found.push(...(page.Items ?? []).map((item) => String(item['sk'])));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    expect(found.toSorted()).toEqual(['a', 'b', 'c']);
  });
});
