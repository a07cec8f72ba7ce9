import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { ledgerWorld } from './ledger-world.ts';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { aRow, REQUEST, rowItem, rowUpdates } from './parked.ts';
import { cancelled, FAILED } from './refused-writes.ts';

const world = ledgerWorld();
const { hold, book, items, transactions } = world;

describe('a request ends', () => {
  const finish = (more: object = {}) =>
    book().finish(aRow({ attempts: 2 }), { state: 'expired', why: 'expired', atMs: NOW_MS, ...more });

  it('from no final state: row, counters, and its place in the list of the ended, in one write (S24)', async () => {
    expect(await finish()).toBe('finished');
    const [row, counters] = items();
    expect(row?.Update).toMatchObject({
      ConditionExpression: '#state IN (:accepting, :parked, :delivering)',
      ExpressionAttributeValues: {
        ':state': 'expired',
        ':why': 'expired',
        ':at': NOW_MS,
        ':ended': 'ENDED#ws-1',
        ':due': 'DUE#REQUESTS',
        ':dueAt': NOW_MS + 30_000,
      },
    });
    expect(counters?.Update).toMatchObject({
      UpdateExpression: 'SET #count = #count - :one, #bytes = #bytes - :size',
      ExpressionAttributeValues: { ':one': 1, ':size': 5 },
    });
    expect(items()).toHaveLength(2);
  });

  it('only a dead letter is listed as one; only a response is kept; an end that does not say so leaves the key', async () => {
    await book().finish(aRow({ callersKey: 'k' }), {
      state: 'dead-lettered',
      atMs: NOW_MS,
      onlyFrom: 'parked',
    });
    expect(items().map((item) => Object.keys(item)[0])).toEqual(['Update', 'Update', 'Put']);
    expect(items()[2]?.Put?.Item).toMatchObject({ sk: 'DEAD-LETTER', listKey: 'DEAD-LETTERS' });
  });

  it.each([
    ['from accepting', { onlyFrom: 'accepting' }],
    ['that frees its key', { onlyAttempt: 0, freesKey: true }],
  ] as const)('an end %s - its own key is removed in the same write', async (_which, how) => {
    const end = { state: 'refused', why: 'w', atMs: NOW_MS, ...how } as const;
    await book().finish(aRow({ callersKey: 'k' }), end);
    await book().finish(aRow(), end);
    expect(items().map((item) => Object.keys(item)[0])).toEqual(['Update', 'Update', 'Delete']);
    expect(items()[2]?.Delete).toMatchObject({
      ConditionExpression: 'attribute_not_exists(pk) OR #value.requestId = :request',
      ExpressionAttributeValues: { ':request': REQUEST },
    });
    expect(world.aws.dynamo.commandCalls(TransactWriteCommand)[1]?.args[0].input.TransactItems).toHaveLength(
      2,
    );
  });

  it('its key has become the key of another request - it ends, and the key stays where it is (S30)', async () => {
    world.aws.dynamo
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled('None', 'None', FAILED))
      .resolves({});
    const end = { state: 'refused', atMs: NOW_MS, onlyFrom: 'accepting' } as const;
    expect(await book().finish(aRow({ callersKey: 'k', state: 'accepting' }), end)).toBe('finished');
    const [first, second, ...more] = transactions();
    expect(more).toEqual([]);
    expect(first?.[2]?.Delete).toMatchObject({
      ConditionExpression: 'attribute_not_exists(pk) OR #value.requestId = :request',
      ExpressionAttributeValues: { ':request': REQUEST },
    });
    expect(second?.map((item) => Object.keys(item)[0])).toEqual(['Update', 'Update']);
  });

  it('it has ended before - told so; a fault - thrown', async () => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None'));
    expect(await finish()).toBe('was-final');
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled('None', FAILED));
    await expect(finish()).rejects.toThrow();
  });

  it.each([
    ['delivering', 'moved-on'],
    ['parked', 'moved-on'],
    ['delivered', 'was-final'],
  ] as const)('it is no longer as the end wants it, but %s - told: %s', async (state, told) => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None'));
    hold(aStoredWorkspace(), [rowItem({ state })]);
    const finishing = (only: object) => book().finish(aRow(), { state: 'refused', atMs: NOW_MS, ...only });
    expect(await finishing({ onlyAttempt: 1 })).toBe(told);
    expect(await finishing({ onlyFrom: 'parked' })).toBe(told);
    expect(await finishing({})).toBe('was-final');
  });

  it('announced - no longer due, and only when it has ended', async () => {
    await book().noticed(REQUEST);
    expect(rowUpdates(world.aws, 'REMOVE')[0]).toMatchObject({
      UpdateExpression: 'REMOVE dueKey, dueAt',
      ConditionExpression: 'attribute_exists(finishedAtMs)',
    });
  });
});
