/**
 * The two sparse indexes, which hold keys only. They may lag, so what is expected is waited for.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
 */
import { expect } from 'vitest';
import { suite, type Bench } from './bench.ts';
import { callsOn, refusalName } from './table-calls.ts';

type Item = Record<string, unknown>;

async function list(bench: Bench, listKey: string, more: object = {}) {
  return callsOn(bench).query('listKey = :list', { ':list': listKey }, { IndexName: 'byList', ...more });
}

/** What a partition of the index holds, as soon as it is that many entries. */
async function listed(bench: Bench, listKey: string, count: number): Promise<Item[]> {
  for (let tries = 0; ; tries++) {
    const { Items = [] } = await list(bench, listKey);
    if (Items.length === count || tries === 20) return Items;
    await bench.wait(0.1);
  }
}

export const indexes = suite('dynamodb', 'indexes', (say) => {
  say('an index shows the keys of the items that have its keys, and nothing else', async (bench) => {
    const rows = callsOn(bench);
    const name = rows.newKey().pk;
    const key = await rows.stored({ listKey: name, listSort: 'a', more: 'hidden' });
    await rows.stored({ listKey: name, more: 'has no sort key' });
    await rows.stored({ listSort: 'a', more: 'has no partition' });
    expect(await listed(bench, name, 1)).toEqual([{ ...key, listKey: name, listSort: 'a' }]);
  });

  say('an item moves with its keys, and leaves when it loses one or is deleted', async (bench) => {
    const rows = callsOn(bench);
    const [one, two] = [rows.newKey().pk, rows.newKey().pk];
    const key = await rows.stored({ listKey: one, listSort: 'a' });
    const other = await rows.stored({ listKey: one, listSort: 'b' });
    expect(await listed(bench, one, 2)).toHaveLength(2);
    await rows.update(key, 'SET listKey = :two', { ':two': two });
    await rows.delete(other);
    expect(await listed(bench, one, 0)).toEqual([]);
    expect(await listed(bench, two, 1)).toHaveLength(1);
    await rows.update(key, 'REMOVE listKey');
    expect(await listed(bench, two, 0)).toEqual([]);
  });

  say('due times are ordered as numbers', async (bench) => {
    const rows = callsOn(bench);
    const name = rows.newKey().pk;
    for (const dueAt of [100, 9, 20]) await rows.stored({ dueKey: name, dueAt });
    const due = async (now: number) => {
      const page = await rows.query(
        'dueKey = :due AND dueAt <= :now',
        { ':due': name, ':now': now },
        { IndexName: 'byDue' },
      );
      return page.Items?.map((item) => Number(item['dueAt']));
    };
    for (let tries = 0; tries < 20 && (await due(1000))?.length !== 3; tries++) await bench.wait(0.1);
    expect(await due(1000)).toEqual([9, 20, 100]);
    expect(await due(20)).toEqual([9, 20]);
    expect(await due(8)).toEqual([]);
  });

  say('pages of an index start at all four keys', async (bench) => {
    const rows = callsOn(bench);
    const name = rows.newKey().pk;
    const keys = [
      await rows.stored({ listKey: name, listSort: 'a' }),
      await rows.stored({ listKey: name, listSort: 'b' }),
    ];
    await listed(bench, name, 2);
    const first = await list(bench, name, { Limit: 1 });
    expect(first.LastEvaluatedKey).toEqual({ ...keys[0], listKey: name, listSort: 'a' });
    const second = await list(bench, name, { Limit: 1, ExclusiveStartKey: first.LastEvaluatedKey });
    expect(second.Items).toEqual([{ ...keys[1], listKey: name, listSort: 'b' }]);
    const short = { listKey: name, listSort: 'a' };
    expect(await refusalName(list(bench, name, { ExclusiveStartKey: short }))).toBe('ValidationException');
  });

  say('entries with the same sort key are all there', async (bench) => {
    const rows = callsOn(bench);
    const name = rows.newKey().pk;
    for (let index = 0; index < 3; index++) await rows.stored({ listKey: name, listSort: 'same' });
    expect(await listed(bench, name, 3)).toHaveLength(3);
    const first = await list(bench, name, { Limit: 2 });
    const second = await list(bench, name, { Limit: 2, ExclusiveStartKey: first.LastEvaluatedKey });
    const found = [...(first.Items ?? []), ...(second.Items ?? [])].map((item) => String(item['pk']));
    expect(new Set(found).size).toBe(3);
  });

  say('an index cannot be read consistently (D1)', async (bench) => {
    expect(await refusalName(list(bench, 'x', { ConsistentRead: true }))).toBe('ValidationException');
  });

  say('an index that is not there is refused', async (bench) => {
    expect(await refusalName(list(bench, 'x', { IndexName: 'byNothing' }))).toBe('ValidationException');
  });

  say('a key of an index must be of its kind, and not empty', async (bench) => {
    const rows = callsOn(bench);
    const refused = (attributes: Item) => refusalName(rows.put({ ...rows.newKey(), ...attributes }));
    expect(await refused({ dueAt: 'soon' })).toBe('ValidationException');
    expect(await refused({ listKey: 7, listSort: 'a' })).toBe('ValidationException');
    expect(await refused({ listKey: '', listSort: 'a' })).toBe('ValidationException');
    const key = await rows.stored({});
    expect(await refusalName(rows.update(key, 'SET dueAt = :x', { ':x': 'soon' }))).toBe(
      'ValidationException',
    );
  });
});
