import type { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { openTable, type Table } from '../../lambdas/adapters/table.ts';
import { ledgerWorld } from './ledger-world.ts';
import { memoryTable } from './memory-table.ts';
import { NOW_MS, TABLE } from './mocked-aws.ts';
import { aRow, REQUEST, rowItem } from './parked.ts';

const world = ledgerWorld();
const { book, accept, items, updates } = world;

/** Each send is made twice, and only the second answer comes back. */
const doneTwice = (table: Table): Table => ({
  name: table.name,
  client: new Proxy(table.client, {
    get: (client, name) =>
      name === 'send'
        ? async (command: UpdateCommand) => {
            await client.send(command);
            return client.send(command);
          }
        : (Reflect.get(client, name) as unknown),
  }),
});

/** Whole, so that no name or value of it can change unseen: these run in the database alone. */
describe('the writes of an attempt, word by word', () => {
  const row = aRow({ attempts: 2, ambiguous: true });
  const key = { TableName: TABLE, Key: { pk: `REQ#${REQUEST}`, sk: 'REQUEST' } };
  const names = { ExpressionAttributeNames: { '#state': 'state' } };
  const last = () => updates().at(-1);

  it('begun', async () => {
    const mark = { answered: false };
    const begin = { nowMs: 1, leaseUntilMs: 2, mark, interruptions: 0 };
    expect(await book().beginAttempt(row, begin)).toBe('begun');
    expect(last()).toEqual({
      ...key,
      ...names,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      UpdateExpression:
        'SET #state = :delivering, attempts = :next, ambiguous = :ambiguous, leaseUntilMs = :lease, ' +
        'lastAttempt = :mark, interruptions = :interruptions, begunBy = :nonce REMOVE notBeforeMs',
      ConditionExpression: '#state IN (:parked, :delivering) AND attempts = :attempts AND expiresAtMs > :now',
      ExpressionAttributeValues: {
        ':delivering': 'delivering',
        ':parked': 'parked',
        ':attempts': 2,
        ':next': 3,
        ':ambiguous': true,
        ':now': 1,
        ':lease': 2,
        ':mark': mark,
        ':interruptions': 0,
        ':nonce': expect.any(String) as unknown,
      },
    });
  });

  it('begun, and only the answer was lost: the SDK has tried again - begun, and not an attempt of somebody else (S27)', async () => {
    const table = memoryTable(world.aws, () => NOW_MS);
    table.put(rowItem({ attempts: 2 }));
    const begin = {
      nowMs: NOW_MS,
      leaseUntilMs: NOW_MS + 90_000,
      mark: { answered: false },
      interruptions: 0,
    };
    const twice = doneTwice(openTable(TABLE));
    expect(await ledger(twice).beginAttempt(aRow({ attempts: 2 }), begin)).toBe('begun');
    expect(table.item(`REQ#${REQUEST}`, 'REQUEST')).toMatchObject({ state: 'delivering', attempts: 3 });
    expect(await book().beginAttempt(aRow({ attempts: 2 }), begin)).toBe('lost');
  });

  it('renewed', async () => {
    await book().renewAttempt(row, 7);
    expect(last()).toEqual({
      ...key,
      ...names,
      UpdateExpression: 'SET leaseUntilMs = :lease',
      ConditionExpression: '#state = :delivering AND attempts = :attempts',
      ExpressionAttributeValues: { ':lease': 7, ':delivering': 'delivering', ':attempts': 2 },
    });
  });

  it.each([
    [{ answered: true }, ', lastAttempt = :mark REMOVE leaseUntilMs'],
    [undefined, ' REMOVE leaseUntilMs, lastAttempt'],
  ])('put back, with the mark %j', async (mark, end) => {
    await book().putBack(row, { why: 'eof', ambiguous: false, failures: 1, notBeforeMs: 5, mark });
    expect(last()).toEqual({
      ...key,
      ...names,
      UpdateExpression:
        'SET #state = :parked, why = :why, ambiguous = :ambiguous, failures = :failures, notBeforeMs = :notBefore' +
        end,
      ConditionExpression: '#state = :delivering AND attempts = :attempts',
      ExpressionAttributeValues: {
        ':parked': 'parked',
        ':delivering': 'delivering',
        ':why': 'eof',
        ':ambiguous': true,
        ':failures': 1,
        ':notBefore': 5,
        ':attempts': 2,
        ...(mark && { ':mark': mark }),
      },
    });
  });

  it('ended, and counted out', async () => {
    await book().finish(aRow(), { state: 'refused', why: 'status-404', atMs: NOW_MS, drain: { turnMs: 1 } });
    expect(items()[0]?.Update).toEqual({
      ...key,
      UpdateExpression:
        'SET #state = :state, finishedAtMs = :at, listKey = :ended, #ttl = :ttl, dueKey = :due, dueAt = :dueAt, why = :why',
      ConditionExpression: '#state IN (:accepting, :parked, :delivering)',
      ExpressionAttributeNames: { '#state': 'state', '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':state': 'refused',
        ':why': 'status-404',
        ':at': NOW_MS,
        ':ended': 'ENDED#ws-1',
        ':ttl': (NOW_MS + 7 * 86_400_000) / 1000,
        ':due': 'DUE#REQUESTS',
        ':dueAt': NOW_MS + 30_000,
        ':accepting': 'accepting',
        ':parked': 'parked',
        ':delivering': 'delivering',
      },
    });
    expect(items()[1]?.Update).toEqual({
      TableName: TABLE,
      Key: { pk: 'WS#ws-1', sk: 'PARKED' },
      UpdateExpression: 'SET #count = #count - :one, #bytes = #bytes - :size, drain = :drain',
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: { ':one': 1, ':size': 5, ':drain': { turnMs: 1 } },
    });
  });

  it("ended without a reason - the last attempt's reason goes, and no value is said that is not there", async () => {
    await book().finish(aRow(), { state: 'delivered', atMs: NOW_MS });
    expect(items()[0]?.Update?.UpdateExpression).toMatch(/^SET (?!.*why.* REMOVE).* REMOVE why$/);
    expect(items()[0]?.Update?.ExpressionAttributeValues).not.toHaveProperty(':why');
  });

  it('counted in', async () => {
    await accept();
    expect(items()[1]?.Update).toMatchObject({
      UpdateExpression:
        'SET #count = if_not_exists(#count, :zero) + :one, #bytes = if_not_exists(#bytes, :zero) + :size, ' +
        'dueKey = :due, dueAt = if_not_exists(dueAt, :dueAt)',
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':due': 'DUE#PARKED', ':dueAt': NOW_MS + 80_000 },
    });
  });
});
