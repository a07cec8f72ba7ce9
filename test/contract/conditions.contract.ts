/**
 * Condition expressions.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import { suite } from './bench.ts';
import { callsOn, refusal, refusalName } from './table-calls.ts';

export const conditions = suite('dynamodb', 'conditions', (say) => {
  say('a condition that fails writes nothing', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ count: 1 });
    const write = rows.update(
      key,
      'SET #count = :two',
      { ':one': 7, ':two': 2 },
      {
        ConditionExpression: '#count = :one',
        ExpressionAttributeNames: { '#count': 'count' },
      },
    );
    expect(await refusalName(write)).toBe('ConditionalCheckFailedException');
    expect(await rows.attributes(key)).toEqual({ count: 1 });
  });

  say('ALL_OLD on failure brings the item that stood in the way (D3)', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ token: 'ours', list: [1, { a: null }], ids: new Set(['x']) });
    const write = rows.put(
      { ...key },
      {
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    );
    const error = await refusal(write);
    expect(unmarshall(error.Item ?? {})).toEqual({
      ...key,
      token: 'ours',
      list: [1, { a: null }],
      ids: new Set(['x']),
    });
  });

  say('a failure that nobody asked the item of brings none', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({});
    const write = rows.put({ ...key }, { ConditionExpression: 'attribute_not_exists(pk)' });
    expect(await refusal(write)).toHaveProperty('Item', undefined);
  });

  say('ALL_OLD of an item that is not there brings none', async (bench) => {
    const rows = callsOn(bench);
    const write = rows.update(
      rows.newKey(),
      'SET a = :a',
      { ':a': 1 },
      {
        ConditionExpression: 'attribute_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    );
    const error = await refusal(write);
    expect(error.name).toBe('ConditionalCheckFailedException');
    expect(error).toHaveProperty('Item', undefined);
  });

  say('a missing attribute makes every comparison false, but <> true', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ here: 1 });
    const holds = (condition: string) => rows.holds(key, condition, { ':v': 1 });
    for (const operator of ['=', '<', '<=', '>', '>=']) {
      expect(await holds(`gone ${operator} :v`), operator).toBe(false);
      expect(await holds(`:v ${operator} gone`), operator).toBe(false);
      expect(await holds(`here.deep ${operator} :v`), operator).toBe(false);
    }
    expect(await holds('gone <> :v')).toBe(true);
    expect(await holds('gone IN (:v)')).toBe(false);
    expect(await holds('gone BETWEEN :v AND :v')).toBe(false);
  });

  say('values of different kinds are neither equal nor ordered', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ number: 5, text: '5', yes: true, nothing: null });
    expect(await rows.holds(key, '#n = :v', { ':v': '5' }, { '#n': 'number' })).toBe(false);
    expect(await rows.holds(key, '#n <> :v', { ':v': '5' }, { '#n': 'number' })).toBe(true);
    expect(await rows.holds(key, '#n < :v', { ':v': '9' }, { '#n': 'number' })).toBe(false);
    expect(await rows.holds(key, '#n >= :v', { ':v': '1' }, { '#n': 'number' })).toBe(false);
    expect(await rows.holds(key, 'yes = :v', { ':v': 1 })).toBe(false);
    expect(await rows.holds(key, 'nothing = :v', { ':v': null })).toBe(true);
    expect(await rows.holds(key, 'attribute_exists(nothing)')).toBe(true);
  });

  say('numbers are ordered as numbers, texts by their bytes', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ nine: 9, words: 'b', far: '\uffee', emoji: '\u{1f600}' });
    expect(await rows.holds(key, 'nine < :v', { ':v': 10 })).toBe(true);
    expect(await rows.holds(key, 'words > :v', { ':v': 'B' })).toBe(true);
    expect(await rows.holds(key, 'words > :v', { ':v': 'aa' })).toBe(true);
    expect(await rows.holds(key, 'emoji > far')).toBe(true);
  });

  say('lists, maps and sets are equal by their content', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ map: { a: 1, b: [2] }, ids: new Set(['x', 'y']) });
    const names = { '#map': 'map' };
    expect(await rows.holds(key, '#map = :v', { ':v': { b: [2], a: 1 } }, names)).toBe(true);
    expect(await rows.holds(key, '#map = :v', { ':v': { a: 1, b: [3] } }, names)).toBe(false);
    expect(await rows.holds(key, 'ids = :v', { ':v': new Set(['y', 'x']) })).toBe(true);
    expect(await rows.holds(key, '#map.b[0] = :v', { ':v': 2 }, names)).toBe(true);
  });

  say('AND binds closer than OR, NOT closer than both', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1 });
    const values = { ':one': 1, ':two': 2 };
    expect(await rows.holds(key, 'a = :one OR a = :two AND a = :two', values)).toBe(true);
    expect(await rows.holds(key, '(a = :one OR a = :two) AND a = :two', values)).toBe(false);
    expect(await rows.holds(key, 'NOT a = :two AND a = :one', values)).toBe(true);
    expect(await rows.holds(key, 'NOT (a = :one) OR a = :two', values)).toBe(false);
  });

  say('IN, BETWEEN and the functions', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({
      a: 5,
      text: 'workspace',
      ids: new Set(['x']),
      list: [1, 2],
      map: { k: 1 },
    });
    const names = { '#text': 'text', '#list': 'list', '#map': 'map' };
    const say = (condition: string, values: Record<string, unknown>) => {
      const used = Object.fromEntries(Object.entries(names).filter(([name]) => condition.includes(name)));
      return rows.holds(key, condition, values, Object.keys(used).length > 0 ? used : undefined);
    };
    expect(await say('a IN (:x, :y)', { ':x': 4, ':y': 5 })).toBe(true);
    expect(await say('a BETWEEN :x AND :y', { ':x': 5, ':y': 6 })).toBe(true);
    expect(await say('a BETWEEN :x AND :y', { ':x': 6, ':y': 7 })).toBe(false);
    expect(await say('begins_with(#text, :x)', { ':x': 'work' })).toBe(true);
    expect(await say('contains(#text, :x)', { ':x': 'space' })).toBe(true);
    expect(await say('contains(ids, :x)', { ':x': 'x' })).toBe(true);
    expect(await say('contains(#list, :x)', { ':x': 2 })).toBe(true);
    expect(await say('size(#text) = :x', { ':x': 9 })).toBe(true);
    expect(await say('size(#list) < :x', { ':x': 3 })).toBe(true);
    expect(await say('size(#map) = :x', { ':x': 1 })).toBe(true);
    expect(await say('attribute_type(a, :x)', { ':x': 'N' })).toBe(true);
    expect(await say('attribute_type(a, :x)', { ':x': 'S' })).toBe(false);
  });

  say('placeholders are given exactly as they are used', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1 });
    const refused = (condition: string, values: Record<string, unknown>, names?: Record<string, string>) =>
      refusalName(
        rows.update(
          key,
          'SET b = :b',
          { ':b': 1, ...values },
          {
            ConditionExpression: condition,
            ...(names && { ExpressionAttributeNames: names }),
          },
        ),
      );
    expect(await refused('a = :a', {})).toBe('ValidationException');
    expect(await refused('a = :a', { ':a': 1, ':more': 2 })).toBe('ValidationException');
    expect(await refused('#a = :a', { ':a': 1 })).toBe('ValidationException');
    expect(await refused('a = :a', { ':a': 1 }, { '#a': 'a' })).toBe('ValidationException');
  });

  say('a reserved word needs a placeholder', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ state: 'parked' });
    const write = rows.update(key, 'SET a = :a', { ':a': 1 }, { ConditionExpression: 'state = :a' });
    expect(await refusalName(write)).toBe('ValidationException');
  });

  say('what is no expression is refused', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1 });
    for (const condition of [
      'a = ',
      'a == :a',
      '(a = :a',
      'a = :a AND',
      'exists(a) AND a = :a',
      'a = :a a',
    ]) {
      const write = rows.update(key, 'SET b = :a', { ':a': 1 }, { ConditionExpression: condition });
      expect(await refusalName(write), condition).toBe('ValidationException');
    }
  });
});
