/**
 * Update expressions, and what a write gives back.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
import { expect } from 'vitest';
import { suite } from './bench.ts';
import { callsOn, refusalName } from './table-calls.ts';

export const updates = suite('dynamodb', 'updates', (say) => {
  say('an update of an item that is not there makes it', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    await rows.update(key, 'SET a = :a', { ':a': 1 });
    expect(await rows.get(key)).toEqual({ ...key, a: 1 });
  });

  say('every operand is read before anything is written', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1, b: 2 });
    await rows.update(key, 'SET a = b, b = a');
    expect(await rows.attributes(key)).toEqual({ a: 2, b: 1 });
  });

  say('SET counts up and down, from a fallback where there is nothing', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ down: 5 });
    await rows.update(key, 'SET up = if_not_exists(up, :zero) + :one, down = down - :one', {
      ':zero': 0,
      ':one': 1,
    });
    await rows.update(key, 'SET up = if_not_exists(up, :zero) + :one', { ':zero': 0, ':one': 1 });
    expect(await rows.attributes(key)).toEqual({ up: 2, down: 4 });
  });

  say('if_not_exists takes a null for something', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: null });
    await rows.update(key, 'SET b = if_not_exists(a, :one)', { ':one': 1 });
    expect(await rows.attributes(key)).toEqual({ a: null, b: null });
  });

  say('SET from an attribute that is not there is refused', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({});
    expect(await refusalName(rows.update(key, 'SET a = b'))).toBe('ValidationException');
    expect(await refusalName(rows.update(key, 'SET a = b + :one', { ':one': 1 }))).toBe(
      'ValidationException',
    );
  });

  say(
    'arithmetic with what is no number is refused',
    async (bench) => {
      const rows = callsOn(bench);
      const key = await rows.stored({ a: 'one' });
      expect(await refusalName(rows.update(key, 'SET a = a + :one', { ':one': 1 }))).toBe(
        'ValidationException',
      );
    },
    { ministack: 'it takes the text for nothing' },
  );

  say('REMOVE of what is not there does nothing', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1 });
    await rows.update(key, 'REMOVE b SET c = :c', { ':c': 1 });
    expect(await rows.attributes(key)).toEqual({ a: 1, c: 1 });
  });

  say('a place inside a map changes that place alone', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ claim: { token: 't', epoch: 1, deep: { x: 1 } } });
    await rows.update(key, 'SET claim.epoch = :two, claim.deep.y = :two REMOVE claim.deep.x', { ':two': 2 });
    expect(await rows.attributes(key)).toEqual({ claim: { token: 't', epoch: 2, deep: { y: 2 } } });
  });

  say('a place inside what is not there is refused', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ flat: 1 });
    expect(await refusalName(rows.update(key, 'SET claim.epoch = :a', { ':a': 1 }))).toBe(
      'ValidationException',
    );
    expect(await refusalName(rows.update(key, 'SET flat.deep = :a', { ':a': 1 }))).toBe(
      'ValidationException',
    );
  });

  say('a list grows at its end, and changes by place', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ times: [1, 2] });
    await rows.update(key, 'SET times = list_append(times, :more)', { ':more': [3] });
    await rows.update(key, 'SET times[0] = :nine', { ':nine': 9 });
    await rows.update(key, 'REMOVE times[1]');
    expect(await rows.attributes(key)).toEqual({ times: [9, 3] });
  });

  say('ADD counts from nothing, and unites sets', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({});
    await rows.update(key, 'ADD seen :one, ids :x', { ':one': 1, ':x': new Set(['x']) });
    await rows.update(key, 'ADD seen :one, ids :y', { ':one': 1, ':y': new Set(['x', 'y']) });
    expect(await rows.attributes(key)).toEqual({ seen: 2, ids: new Set(['x', 'y']) });
  });

  say('DELETE takes members out of a set, and the last one takes the set with it', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ ids: new Set(['x', 'y']) });
    await rows.update(key, 'DELETE ids :x', { ':x': new Set(['x', 'z']) });
    expect(await rows.attributes(key)).toEqual({ ids: new Set(['y']) });
    await rows.update(key, 'DELETE ids :y', { ':y': new Set(['y']) });
    expect(await rows.attributes(key)).toEqual({});
    await rows.update(key, 'DELETE ids :y', { ':y': new Set(['y']) });
    expect(await rows.attributes(key)).toEqual({});
  });

  say(
    'two paths that overlap are refused',
    async (bench) => {
      const rows = callsOn(bench);
      const key = await rows.stored({ a: { b: 1 } });
      expect(await refusalName(rows.update(key, 'SET a = :a, a.b = :a', { ':a': 1 }))).toBe(
        'ValidationException',
      );
      expect(await refusalName(rows.update(key, 'SET a = :a REMOVE a', { ':a': 1 }))).toBe(
        'ValidationException',
      );
    },
    { ministack: 'it makes both' },
  );

  say(
    'a clause that comes twice is refused',
    async (bench) => {
      const rows = callsOn(bench);
      const key = await rows.stored({});
      expect(await refusalName(rows.update(key, 'SET a = :a SET b = :a', { ':a': 1 }))).toBe(
        'ValidationException',
      );
    },
    { ministack: 'it takes both' },
  );

  say('an item cannot be given another key', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({});
    expect(await refusalName(rows.update(key, 'SET pk = :a', { ':a': 'x' }))).toBe('ValidationException');
    expect(await refusalName(rows.update(key, 'REMOVE sk'))).toBe('ValidationException');
  });

  say('ALL_OLD gives the item before, ALL_NEW the one after', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    const first = await rows.update(key, 'SET a = :a', { ':a': 1 }, { ReturnValues: 'ALL_OLD' });
    expect(first.Attributes).toBeUndefined();
    const second = await rows.update(key, 'SET a = :a', { ':a': 2 }, { ReturnValues: 'ALL_OLD' });
    expect(second.Attributes).toEqual({ ...key, a: 1 });
    const third = await rows.update(key, 'SET a = :a', { ':a': 3 }, { ReturnValues: 'ALL_NEW' });
    expect(third.Attributes).toEqual({ ...key, a: 3 });
    const last = await rows.delete(key, { ReturnValues: 'ALL_OLD' });
    expect(last.Attributes).toEqual({ ...key, a: 3 });
  });

  say('a put replaces the whole item', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1, b: 2 });
    await rows.put({ ...key, c: 3 });
    expect(await rows.attributes(key)).toEqual({ c: 3 });
  });

  say('a delete of what is not there is no error', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    await rows.delete(key);
    expect(await rows.get(key)).toBeUndefined();
  });

  say('what is undefined is left out, within maps too', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: undefined, map: { b: undefined, c: 1 } });
    await rows.update(key, 'SET d = :d', { ':d': { e: undefined, f: [1] } });
    expect(await rows.attributes(key)).toEqual({ map: { c: 1 }, d: { f: [1] } });
  });
});
