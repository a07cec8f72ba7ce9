/** Reads by key, keys and sizes. */
import { serverTimeOf } from '../../lambdas/adapters/table.ts';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import { suite } from './bench.ts';
import { callsOn, refusalName } from './table-calls.ts';

const LARGEST_ITEM_BYTES = 400 * 1024;

export const items = suite('dynamodb', 'items', (say) => {
  say('every kind of value comes back as it was', async (bench) => {
    const rows = callsOn(bench);
    const value = {
      text: 'é \u{1f600} ""',
      empty: '',
      zero: 0,
      negative: -1.5,
      time: 1_795_521_600_123,
      yes: true,
      no: false,
      nothing: null,
      list: [1, 'a', [], {}],
      map: { deep: { deeper: [] } },
      texts: new Set(['a', 'b']),
      numbers: new Set([1, 2]),
      bytes: new Uint8Array([0, 255]),
    };
    const key = await rows.stored(value);
    expect(await rows.attributes(key)).toEqual(value);
  });

  say('what is not there is not there', async (bench) => {
    const rows = callsOn(bench);
    expect(await rows.get(rows.newKey())).toBeUndefined();
  });

  say('an answer says when it was given, by the clock of the database', async (bench) => {
    const { table, newKey } = bench;
    const output = await table.client.send(new GetCommand({ TableName: table.name, Key: newKey() }));
    const toldMs = serverTimeOf(output) ?? NaN;
    expect(Math.abs(toldMs - bench.nowMs())).toBeLessThan(5000);
    expect(toldMs % 1000).toBe(0);
  });

  say('a batch brings what is there', async (bench) => {
    const rows = callsOn(bench);
    const keys = [await rows.stored({ a: 1 }), rows.newKey(), await rows.stored({ a: 2 })];
    const found = await rows.batchGet(keys);
    expect(found.map((item) => Number(item['a'])).toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  say('a batch with the same key twice is refused, and one of more than a hundred', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    expect(await refusalName(rows.batchGet([key, { ...key }]))).toBe('ValidationException');
    const many = Array.from({ length: 101 }, () => rows.newKey());
    expect(await refusalName(rows.batchGet(many))).toBe('ValidationException');
  });

  say('a key is both of its attributes, and no more', async (bench) => {
    const rows = callsOn(bench);
    const { pk, sk } = rows.newKey();
    for (const key of [{ pk }, { pk, sk, more: 'x' }, { pk, sk: 7 }]) {
      expect(await refusalName(rows.get(key)), JSON.stringify(key)).toBe('ValidationException');
    }
  });

  say('a key is never empty', async (bench) => {
    const rows = callsOn(bench);
    expect(await refusalName(rows.put({ pk: '', sk: 'a' }))).toBe('ValidationException');
    expect(await refusalName(rows.put({ pk: 'a', sk: '' }))).toBe('ValidationException');
    expect(await refusalName(rows.get({ pk: 'a', sk: '' }))).toBe('ValidationException');
  });

  say('an item without its key is refused', async (bench) => {
    expect(await refusalName(callsOn(bench).put({ pk: 'a', more: 1 }))).toBe('ValidationException');
  });

  say('an item holds 400 KB, names included, and not a byte more (D12)', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    const others = 'pk'.length + key.pk.length + 'sk'.length + key.sk.length + 'body'.length;
    const item = (bytes: number) => ({ ...key, body: 'x'.repeat(bytes - others) });
    expect(await refusalName(rows.put(item(LARGEST_ITEM_BYTES + 1)))).toBe('ValidationException');
    await rows.put(item(LARGEST_ITEM_BYTES));
    expect(await refusalName(rows.update(key, 'SET a = :a', { ':a': 1 }))).toBe('ValidationException');
  });
});
