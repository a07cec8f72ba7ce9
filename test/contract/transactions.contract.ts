/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import { suite } from './bench.ts';
import { callsOn, refusal, refusalName, type Part } from './table-calls.ts';

const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };
const isThere = { ConditionExpression: 'attribute_exists(pk)' };

export const transactions = suite('dynamodb', 'transactions', (say) => {
  say('all of its writes are made', async (bench) => {
    const rows = callsOn(bench);
    const [put, gone, changed, checked] = [
      rows.newKey(),
      await rows.stored({}),
      await rows.stored({}),
      await rows.stored({ a: 1 }),
    ];
    await rows.transact([
      { Put: { Item: { ...put, a: 1 } } },
      { Delete: { Key: gone } },
      { Update: { Key: changed, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': 2 } } },
      { ConditionCheck: { Key: checked, ...isThere } },
    ]);
    expect(await rows.attributes(put)).toEqual({ a: 1 });
    expect(await rows.get(gone)).toBeUndefined();
    expect(await rows.attributes(changed)).toEqual({ a: 2 });
    expect(await rows.attributes(checked)).toEqual({ a: 1 });
  });

  say('one condition that fails stops all, and the reasons say which', async (bench) => {
    const rows = callsOn(bench);
    const [fresh, taken] = [rows.newKey(), await rows.stored({ a: 1 })];
    const error = await refusal(
      rows.transact([
        { Put: { Item: fresh, ...isNew } },
        { Put: { Item: taken, ...isNew } },
        { Update: { Key: rows.newKey(), UpdateExpression: 'REMOVE a' } },
      ]),
    );
    expect(error).toHaveProperty('name', 'TransactionCanceledException');
    expect(error.CancellationReasons?.map(({ Code }) => Code)).toEqual([
      'None',
      'ConditionalCheckFailed',
      'None',
    ]);
    expect(await rows.get(fresh)).toBeUndefined();
    expect(await rows.attributes(taken)).toEqual({ a: 1 });
  });

  say('a reason brings the item, if it was asked for', async (bench) => {
    const rows = callsOn(bench);
    const taken = await rows.stored({ a: 1 });
    const write: Part = { Put: { Item: taken, ...isNew, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } };
    const error = await refusal(rows.transact([write]));
    const reason = error.CancellationReasons?.[0];
    expect(unmarshall(reason?.Item ?? {})).toEqual({ ...taken, a: 1 });
  });

  say('two writes of one item are refused', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    const twice = rows.transact([{ Put: { Item: key } }, { ConditionCheck: { Key: key, ...isNew } }]);
    // The service says the one, its documentation the other.
    expect(await refusalName(twice)).toMatch(/^(ValidationException|TransactionCanceledException)$/);
  });

  say('more than a hundred writes are refused', async (bench) => {
    const rows = callsOn(bench);
    const many = Array.from({ length: 101 }, (): Part => ({ Put: { Item: rows.newKey() } }));
    expect(await refusalName(rows.transact(many))).toBe('ValidationException');
  });

  say('a repeat with the same token changes nothing, and succeeds (D5)', async (bench) => {
    const rows = callsOn(bench);
    const key = await rows.stored({ a: 1 });
    const token = `token-${key.pk}`;
    const write: Part[] = [
      {
        Update: { Key: key, UpdateExpression: 'SET a = a + :one', ExpressionAttributeValues: { ':one': 1 } },
      },
    ];
    await rows.transact(write, token);
    await rows.transact(write, token);
    expect(await rows.attributes(key)).toEqual({ a: 2 });
  });

  say('a repeat of a conditional transaction with the same token succeeds too', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    const write: Part[] = [{ Put: { Item: { ...key, a: 1 }, ...isNew } }];
    await rows.transact(write, `token-${key.pk}`);
    await rows.transact(write, `token-${key.pk}`);
    expect(await rows.attributes(key)).toEqual({ a: 1 });
  });

  say('another transaction with a used token is refused (D5)', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    await rows.transact([{ Put: { Item: { ...key, a: 1 } } }], `token-${key.pk}`);
    const other = rows.transact([{ Put: { Item: { ...key, a: 2 } } }], `token-${key.pk}`);
    expect(await refusalName(other)).toBe('IdempotentParameterMismatchException');
    expect(await rows.attributes(key)).toEqual({ a: 1 });
  });

  say('a wrong expression is refused before anything is done', async (bench) => {
    const rows = callsOn(bench);
    const key = rows.newKey();
    const wrong = rows.transact([
      { Put: { Item: key } },
      { Update: { Key: rows.newKey(), UpdateExpression: 'SET a = :gone' } },
    ]);
    expect(await refusalName(wrong)).toBe('ValidationException');
    expect(await rows.get(key)).toBeUndefined();
  });
});
