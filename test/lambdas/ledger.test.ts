import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { firstAnswerLifeMs } from '../../core/idempotency.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { queues } from '../../lambdas/adapters/queues.ts';
import { openSqs } from '../../lambdas/adapters/queues.ts';
import { judgedItems } from '../../lambdas/adapters/receipt-store.ts';
import { openTable, type Table } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS, portsOver, QUEUE, TABLE } from './mocked-aws.ts';
import { aRow, REQUEST, rowItem, rowUpdates, sentTo, totalsItem } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});
const book = () => ledger(openTable(TABLE));
const cancelled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
const failed = 'ConditionalCheckFailed';
const accept = () =>
  book().accept({
    about: { workspaceId: 'ws-1', atMs: NOW_MS },
    request: aRow({ state: 'accepting' }),
    parkedMax: 10,
  });
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
const items = () => aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];

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
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled('None', failed));
    expect(await accept()).toBe('full');
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled(failed, 'None'));
    expect(await accept()).toBe('accepted');
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled(failed, 'None', 'None'));
    const firstAnswer = {
      key: { principal: 'role/proxy', workspaceId: 'ws-1', key: 'r-1' },
      value: { fingerprint: 'f', answer: { status: 202, headers: {} } },
      lifeMs: 1000,
    };
    const about = { workspaceId: 'ws-1', atMs: NOW_MS };
    expect(await book().accept({ about, firstAnswer, request: aRow(), parkedMax: 10 })).toBe('repeated');
  });

  it('another transaction holds an item - tried again, not taken for a refusal', async () => {
    aws.dynamo.on(TransactWriteCommand).rejectsOnce(cancelled('None', 'TransactionConflict')).resolves({});
    expect(await accept()).toBe('accepted');
    expect(aws.dynamo.commandCalls(TransactWriteCommand)).toHaveLength(2);
  });

  it('any other fault - thrown: no answer is made of it', async () => {
    aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    await expect(accept()).rejects.toThrow('no table');
  });
});

/** Whole, so that no name or value of it can change unseen: these run in the database alone. */
describe('the writes of an attempt, word by word', () => {
  const row = aRow({ attempts: 2, ambiguous: true });
  const key = { TableName: TABLE, Key: { pk: `REQ#${REQUEST}`, sk: 'REQUEST' } };
  const names = { ExpressionAttributeNames: { '#state': 'state' } };
  const last = () => aws.dynamo.commandCalls(UpdateCommand).at(-1)?.args[0].input;

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
    const table = memoryTable(aws, () => NOW_MS);
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

describe('accepting becomes parked', () => {
  const refuse = () =>
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));

  it('once, from accepting alone, and due when it expires', async () => {
    expect(await book().markParked(aRow(), NOW_MS)).toBe(true);
    expect(rowUpdates(aws, 'SET #state = :parked')[0]).toMatchObject({
      ConditionExpression: '#state = :accepting',
      ExpressionAttributeValues: { ':at': NOW_MS, ':due': NOW_MS + 3_600_000 },
    });
  });

  it('with the place in the group that SQS has told, where it did', async () => {
    await book().markParked(aRow(), NOW_MS, '18849496460467696128');
    await book().markParked(aRow(), NOW_MS);
    expect(rowUpdates(aws, 'SET #state = :parked')).toMatchObject([
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
    holds(aws, aStoredWorkspace(), [rowItem({ state })]);
    expect(await book().markParked(aRow(), NOW_MS)).toBe(promised);
  });

  it('its row has gone - nothing is promised', async () => {
    refuse();
    expect(await book().markParked(aRow(), NOW_MS)).toBe(false);
  });
});

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
    expect(aws.dynamo.commandCalls(TransactWriteCommand)[1]?.args[0].input.TransactItems).toHaveLength(2);
  });

  it('its key has become the key of another request - it ends, and the key stays where it is (S30)', async () => {
    aws.dynamo
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled('None', 'None', failed))
      .resolves({});
    const end = { state: 'refused', atMs: NOW_MS, onlyFrom: 'accepting' } as const;
    expect(await book().finish(aRow({ callersKey: 'k', state: 'accepting' }), end)).toBe('finished');
    const [first, second, ...more] = aws.dynamo
      .commandCalls(TransactWriteCommand)
      .map((call) => call.args[0].input.TransactItems);
    expect(more).toEqual([]);
    expect(first?.[2]?.Delete).toMatchObject({
      ConditionExpression: 'attribute_not_exists(pk) OR #value.requestId = :request',
      ExpressionAttributeValues: { ':request': REQUEST },
    });
    expect(second?.map((item) => Object.keys(item)[0])).toEqual(['Update', 'Update']);
  });

  it('it has ended before - told so; a fault - thrown', async () => {
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled(failed, 'None'));
    expect(await finish()).toBe('was-final');
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled('None', failed));
    await expect(finish()).rejects.toThrow();
  });

  it.each([
    ['delivering', 'moved-on'],
    ['parked', 'moved-on'],
    ['delivered', 'was-final'],
  ] as const)('it is no longer as the end wants it, but %s - told: %s', async (state, told) => {
    aws.dynamo.on(TransactWriteCommand).rejects(cancelled(failed, 'None'));
    holds(aws, aStoredWorkspace(), [rowItem({ state })]);
    const finishing = (only: object) => book().finish(aRow(), { state: 'refused', atMs: NOW_MS, ...only });
    expect(await finishing({ onlyAttempt: 1 })).toBe(told);
    expect(await finishing({ onlyFrom: 'parked' })).toBe(told);
    expect(await finishing({})).toBe('was-final');
  });

  it('announced - no longer due, and only when it has ended', async () => {
    await book().noticed(REQUEST);
    expect(rowUpdates(aws, 'REMOVE')[0]).toMatchObject({
      UpdateExpression: 'REMOVE dueKey, dueAt',
      ConditionExpression: 'attribute_exists(finishedAtMs)',
    });
  });
});

describe('what is noted beside the counters', () => {
  it('nothing yet - zero, and no history', async () => {
    expect(await book().parkedFor('ws-1')).toEqual({ count: 0, bytes: 0, drain: {} });
  });

  it('all of it - read as it was written', async () => {
    const head = { requestId: REQUEST, receiptHandle: 'h', notBeforeMs: 5 };
    holds(aws, aStoredWorkspace(), [
      totalsItem({ count: 2, bytes: 9, head, drain: { turnMs: 3 }, emptySinceMs: 7 }),
    ]);
    expect(await book().parkedFor('ws-1')).toEqual({
      count: 2,
      bytes: 9,
      head,
      drain: { turnMs: 3 },
      emptySinceMs: 7,
    });
    expect(await book().parkedCount('ws-1')).toBe(2);
    expect(await book().headOf('ws-1')).toEqual(head);
  });

  it('a head - noted with the history; a transaction in the way - tried again', async () => {
    aws.dynamo
      .on(UpdateCommand)
      .rejectsOnce(new TransactionConflictException({ message: 'busy', $metadata: {} }))
      .resolves({});
    const head = { requestId: REQUEST, receiptHandle: 'h', notBeforeMs: 0 };
    await book().noteHead('ws-1', head, { turnMs: 1 });
    expect(aws.dynamo.commandCalls(UpdateCommand)[1]?.args[0].input).toMatchObject({
      UpdateExpression: 'SET head = :head, drain = :drain',
      ExpressionAttributeValues: { ':head': head, ':drain': { turnMs: 1 } },
    });
  });

  it('when it is looked at again - set, together with since when the queue is empty, or without', async () => {
    aws.dynamo.on(UpdateCommand).callsFake((input: { ConditionExpression?: string }) => {
      if (input.ConditionExpression === undefined) return {};
      throw new ConditionalCheckFailedException({ message: 'some', $metadata: {} });
    });
    const due = dueWork(openTable(TABLE));
    await due.postponeParked('ws-1', { dueAtMs: 9, emptySinceMs: 4 });
    await due.postponeParked('ws-1', { dueAtMs: 9, emptySinceMs: undefined });
    const plain = aws.dynamo
      .commandCalls(UpdateCommand)
      .map((call) => call.args[0].input)
      .filter((input) => input.ConditionExpression === undefined);
    expect(plain).toMatchObject([
      {
        UpdateExpression: 'SET dueAt = :due, emptySinceMs = :empty',
        ExpressionAttributeValues: { ':empty': 4 },
      },
      { UpdateExpression: 'SET dueAt = :due REMOVE emptySinceMs' },
    ]);
  });

  it('a queue that this function was not given - a mistake of the wiring, loudly', async () => {
    await expect(queues(openSqs(), { reprobe: QUEUE.reprobe }).parkedDepth()).rejects.toThrow('parked');
  });
});

describe('a call that is parked', () => {
  it('its row keeps the place in the group that SQS gave the message', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
    aws.sqs.on(SendMessageCommand).resolves({ MessageId: 'm', SequenceNumber: '18849496460467696128' });
    const call = forwardError({ error: { kind: 'refused' }, request: aRequest });
    expect(await handleForwardError(call, portsOver(aws))).toMatchObject({ status: 202 });
    expect(rowUpdates(aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues).toMatchObject({
      ':sequence': '18849496460467696128',
    });
  });
});

describe('an idempotency row', () => {
  const key = { principal: 'role/proxy', workspaceId: 'ws-1', key: 'r-1' };
  const answerOf = (expiresAtMs: number) => ({
    pk: 'IDEM#role/proxy#ws-1#r-1',
    sk: 'ANSWER',
    expiresAtMs,
    value: {
      fingerprint: `hash-of-${String(JSON.stringify(aRequest).length)}`,
      answer: { status: 202, headers: {}, body: { requestId: 'first' } },
    },
  });
  const call = async (expiresAtMs: number) => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }), [answerOf(expiresAtMs)]);
    return handleForwardError(
      forwardError({ error: { kind: 'refused' }, request: aRequest }),
      portsOver(aws),
    );
  };

  it.each([
    [0, 'first'],
    [1, 'first'],
  ])('%i ms before it expires - answers', async (leftMs, requestId) => {
    expect((await call(NOW_MS + leftMs)).body?.['requestId']).toBe(requestId);
    expect(sentTo(aws, 'parked')).toHaveLength(0);
  });

  it('expired, though TTL has not removed it yet - answers no more: the request is parked as a new one', async () => {
    const answer = await call(NOW_MS - 1);
    expect(answer).toMatchObject({ status: 202, body: { code: 'parked' } });
    expect(answer.body?.['requestId']).not.toBe('first');
    expect(sentTo(aws, 'parked')).toHaveLength(1);
  });

  it('expired and still there - does not stand in the way of the new one either', () => {
    const value = { fingerprint: 'f', answer: { status: 202, headers: {} } };
    const about = { workspaceId: 'ws-1', atMs: NOW_MS };
    const [put] = judgedItems(openTable(TABLE), { about, firstAnswer: { key, value, lifeMs: 5000 } });
    expect(put?.Put).toMatchObject({
      Item: { expiresAtMs: NOW_MS + 5000 },
      ConditionExpression: 'attribute_not_exists(pk) OR expiresAtMs < :now',
      ExpressionAttributeValues: { ':now': NOW_MS },
    });
    expect(firstAnswerLifeMs.promise).toBeGreaterThanOrEqual(86_400_000);
  });
});
