import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { about, ledgerWorld } from './ledger-world.ts';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { aRow, REQUEST, rowItem, rowUpdates } from './parked.ts';
import { cancelled, conditionFailed, FAILED } from './refused-writes.ts';

const world = ledgerWorld();
const { hold, book, accept, items, transactions, fails } = world;

describe('a request is accepted', () => {
  it('row and counters in one write; over a limit, of number or of bytes, all of it is refused', async () => {
    expect(await accept()).toBe('accepted');
    const [row, counters] = items();
    expect(row?.Put).toMatchObject({
      Item: {
        listKey: 'WAITING#ws-1',
        listSort: REQUEST,
        dueKey: 'DUE#REQUESTS',
        dueAt: NOW_MS - 10_000 + 60_000,
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    expect(counters?.Update).toMatchObject({
      ConditionExpression:
        '(attribute_not_exists(#count) OR #count < :most) AND (attribute_not_exists(#bytes) OR #bytes <= :room)',
      ExpressionAttributeValues: { ':most': 10, ':size': 5, ':room': 64 * 1024 * 1024 - 5 },
    });
  });

  it('the counters refuse - full; the key is taken - repeated; our own row is there - accepted, by our first try', async () => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled('None', FAILED));
    expect(await accept()).toBe('full');
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None'));
    expect(await accept()).toBe('accepted');
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None', 'None'));
    const firstAnswer = {
      key: { principal: 'role/proxy', workspaceId: 'ws-1', key: 'r-1' },
      value: { fingerprint: 'f', answer: { status: 202, headers: {} } },
      lifeMs: 1000,
    };
    expect(await book().accept({ about, firstAnswer, request: aRow(), parkedMax: 10 })).toBe('repeated');
  });

  it('another transaction holds an item - tried again, not taken for a refusal', async () => {
    world.aws.dynamo
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled('None', 'TransactionConflict'))
      .resolves({});
    expect(await accept()).toBe('accepted');
    expect(transactions()).toHaveLength(2);
  });

  it('any other fault - thrown: no answer is made of it', async () => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    await expect(accept()).rejects.toThrow('no table');
  });
});

describe('accepting becomes parked', () => {
  const refuse = () => world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());

  it('once, from accepting alone, and due when it expires', async () => {
    expect(await book().markParked(aRow(), NOW_MS)).toBe(true);
    expect(rowUpdates(world.aws, 'SET #state = :parked')[0]).toMatchObject({
      ConditionExpression: '#state = :accepting',
      ExpressionAttributeValues: { ':at': NOW_MS, ':due': NOW_MS + 3_600_000 },
    });
  });

  it('with the place in the group that SQS has told, where it did', async () => {
    await book().markParked(aRow(), NOW_MS, '18849496460467696128');
    await book().markParked(aRow(), NOW_MS);
    expect(rowUpdates(world.aws, 'SET #state = :parked')).toMatchObject([
      {
        UpdateExpression: 'SET #state = :parked, parkedAtMs = :at, dueAt = :due, #sequence = :sequence',
        ExpressionAttributeNames: { '#sequence': 'sequence' },
        ExpressionAttributeValues: { ':sequence': '18849496460467696128' },
      },
      { UpdateExpression: 'SET #state = :parked, parkedAtMs = :at, dueAt = :due' },
    ]);
  });

  it.each([
    ['parked', true],
    ['delivering', true],
    ['delivered', true],
    ['refused', false],
    ['expired', false],
    ['cancelled', false],
  ] as const)('it is %s already - promised: %s', async (state, promised) => {
    refuse();
    hold(aStoredWorkspace(), [rowItem({ state })]);
    expect(await book().markParked(aRow(), NOW_MS)).toBe(promised);
  });

  it('its row has gone - nothing is promised', async () => {
    refuse();
    expect(await book().markParked(aRow(), NOW_MS)).toBe(false);
  });
});

describe('a call that is parked', () => {
  it('its row keeps the place in the group that SQS gave the message', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
    world.aws.sqs.on(SendMessageCommand).resolves({ MessageId: 'm', SequenceNumber: '18849496460467696128' });
    expect(await fails()).toMatchObject({ status: 202 });
    expect(rowUpdates(world.aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues).toMatchObject({
      ':sequence': '18849496460467696128',
    });
  });
});
