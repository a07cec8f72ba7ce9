import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aStoredWorkspace, dated, holds, mockedAws, NOW_MS, portsOver, QUEUE, TABLE } from './mocked-aws.ts';
import { endings, finds, news, REQUEST, rowItem, rowUpdates, totalsItem } from './parked.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleSweep>[0];
beforeEach(() => {
  aws = mockedAws();
  ports = { ...portsOver(aws), due: dueWork(openTable(TABLE)) };
  aws.dynamo.on(QueryCommand).resolves({ Items: [], $metadata: dated() });
});

const due = (partition: string, pk: string) => {
  aws.dynamo.on(QueryCommand).callsFake((input: { ExpressionAttributeValues: Record<string, unknown> }) => ({
    Items: input.ExpressionAttributeValues[':due'] === partition ? [{ pk }] : [],
    $metadata: dated(),
  }));
};
const sent = (queue: keyof typeof QUEUE) =>
  aws.sqs
    .commandCalls(SendMessageCommand)
    .filter((call) => call.args[0].input.QueueUrl === QUEUE[queue])
    .map((call) => JSON.parse(call.args[0].input.MessageBody ?? '') as Record<string, unknown>);
const evidence = (atMs: number) => ({
  kind: 'stopped' as const,
  verdictId: VERDICT,
  atMs,
  generation: 3,
  instanceId: 'i-0123456789abcdef0',
  round: 0,
});
const claim = {
  token: VERDICT,
  kind: 'dead' as const,
  reason: 'stopped',
  step: 'admitted' as const,
  attempt: 0,
  epoch: 2,
  sinceMs: NOW_MS - 300_000,
  deadlineMs: NOW_MS + 600_000,
  instanceId: 'i-0123456789abcdef0',
  forced: false,
};

describe('the sweep', () => {
  it('evidence without a verdict - its re-probe is asked for again', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ evidence: evidence(NOW_MS - 15_000) }));
    await handleSweep(ports);
    expect(sent('reprobe')).toMatchObject([{ verdictId: VERDICT }]);
  });

  it('evidence that everybody forgot - removed', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ evidence: evidence(NOW_MS - 600_000) }));
    await handleSweep(ports);
    expect(sent('reprobe')).toHaveLength(0);
    expect(aws.dynamo.commandCalls(UpdateCommand)[0]?.args[0].input.UpdateExpression).toContain(
      'REMOVE evidence',
    );
  });

  it('a claim without news - resumed under a higher epoch, with the same token', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ claim }));
    await handleSweep(ports);
    expect(sent('restart')).toMatchObject([{ token: VERDICT, epoch: 3 }]);
    expect(aws.dynamo.commandCalls(UpdateCommand)[0]?.args[0].input.ConditionExpression).toContain(
      'claim.epoch = :epoch',
    );
  });

  it.each([
    ['never accepted', { state: 'accepting', expiresAtMs: NOW_MS + 1 }, 'refused'],
    ['past its time', { state: 'parked', expiresAtMs: NOW_MS - 1 }, 'expired'],
  ])('a request that is %s - ended', async (_what, changes, state) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    const row = {
      pk: `REQ#${REQUEST}`,
      sk: 'REQUEST',
      requestId: REQUEST,
      workspaceId: 'ws-1',
      caller: 'role/proxy',
      bodyBytes: 1,
    };
    holds(aws, aStoredWorkspace(), [{ ...row, ...changes }]);
    await handleSweep(ports);
    const [end] = aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(end?.Update?.ExpressionAttributeValues).toMatchObject({ ':state': state });
    expect(end?.Update?.ConditionExpression).toContain('#state = :from');
  });

  it('the slot of a claim that has ended - freed; that of an open one - kept', async () => {
    const slot = { workspaceId: 'ws-1', deadlineMs: NOW_MS + 600_000 };
    const fleet = {
      pk: 'FLEET',
      sk: 'BRAKE',
      revision: 4,
      brake: 'closed',
      deaths: [],
      admitted: { [VERDICT]: slot, OTHER: slot },
    };
    holds(aws, aStoredWorkspace({ claim }), [fleet]);
    await handleSweep(ports);
    const [put] = aws.dynamo.commandCalls(PutCommand);
    expect(Object.keys(put?.args[0].input.Item?.['admitted'] as object)).toEqual([VERDICT]);
  });

  it.each([300_000, -300_000])('its clock is %i ms off - nothing is swept by it', async (offMs) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    const row = {
      pk: `REQ#${REQUEST}`,
      sk: 'REQUEST',
      requestId: REQUEST,
      workspaceId: 'ws-1',
      bodyBytes: 1,
    };
    holds(aws, aStoredWorkspace(), [{ ...row, state: 'parked', expiresAtMs: NOW_MS + 200_000 }]);
    const clock = { ...ports.clock, nowMs: () => NOW_MS + offMs };
    await handleSweep({ ...ports, clock });
    expect(aws.dynamo.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('one row that fails - the others are swept all the same', async () => {
    aws.dynamo
      .on(QueryCommand)
      .callsFake((input: { ExpressionAttributeValues: Record<string, unknown> }) => ({
        Items:
          input.ExpressionAttributeValues[':due'] === 'DUE#WORKSPACES'
            ? [{ pk: 'WS#bad' }, { pk: 'WS#ws-1' }]
            : [],
        $metadata: dated(),
      }));
    holds(aws, aStoredWorkspace({ claim }), [
      {
        pk: 'WS#bad',
        sk: 'STATE',
        get v(): never {
          throw new Error('fault');
        },
      },
    ]);
    await handleSweep(ports);
    expect(sent('restart')).toHaveLength(1);
  });
});

describe('the sweep of requests', () => {
  const sweep = async (changes: Parameters<typeof rowItem>[0]) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    holds(aws, aStoredWorkspace(), [rowItem(changes)]);
    await handleSweep(ports);
  };
  const counted = () => (ports.log as ReturnType<typeof portsOver>['log']).counted;

  it.each(['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const)(
    'an end that nobody has announced (%s) - announced, and no longer due; the end itself stays as it is',
    async (state) => {
      await sweep({ state, why: 'x', finishedAtMs: NOW_MS - 60_000 });
      expect(news(aws)).toEqual([
        { type: `request.${state}`, detail: { workspaceId: 'ws-1', requestId: REQUEST, reason: 'x' } },
      ]);
      expect(rowUpdates(aws, 'REMOVE dueKey, dueAt')).toHaveLength(1);
      expect(endings(aws)).toEqual([]);
    },
  );

  it.each([
    [5000, 60_000],
    [90_000, 90_000],
    [86_400_000, 3_600_000],
  ])(
    'it cannot be announced now either, %i ms after it - it stays due, %i ms later, and so is no longer in front of others',
    async (ageMs, laterMs) => {
      aws.bus.on(PutEventsCommand).rejects(new Error('no'));
      await sweep({ state: 'expired', finishedAtMs: NOW_MS - ageMs });
      expect(rowUpdates(aws, 'REMOVE')).toHaveLength(0);
      expect(rowUpdates(aws, 'SET dueAt')).toMatchObject([
        { ExpressionAttributeValues: { ':due': NOW_MS + laterMs } },
      ]);
    },
  );

  it('EventBridge takes nothing - the sweep asks it twice, and puts the rest off without asking', async () => {
    const ids = ['A', 'B', 'C', 'D'].map((letter) => REQUEST.replace(/.$/, letter));
    finds(aws, { 'DUE#REQUESTS': ids.map((id) => ({ pk: `REQ#${id}` })) });
    holds(
      aws,
      aStoredWorkspace(),
      ids.map((requestId) => rowItem({ requestId, state: 'expired', finishedAtMs: NOW_MS - 60_000 })),
    );
    aws.bus.on(PutEventsCommand).rejects(new Error('no'));
    await handleSweep(ports);
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(2);
    expect(rowUpdates(aws, 'SET dueAt')).toHaveLength(4);
  });

  it('the brake can close however long the rest takes - the fleet is swept first', async () => {
    const order: string[] = [];
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    holds(aws, aStoredWorkspace(), [rowItem({ state: 'expired', finishedAtMs: NOW_MS - 60_000 })]);
    const brake = { ...ports.brake, read: () => (order.push('fleet'), ports.brake.read()) };
    const events = { publish: () => (order.push('news'), Promise.resolve(true)) };
    await handleSweep({ ...ports, brake, events });
    expect(order).toEqual(['fleet', 'news']);
  });

  it.each([
    [1, []],
    [0, [{ state: 'expired', why: 'expired' }]],
    [-1, [{ state: 'expired', why: 'expired' }]],
  ])(
    'being delivered past its time, %i ms before the end of the lease - ended only when nobody is at it',
    async (leftMs, ended) => {
      await sweep({
        state: 'delivering',
        attempts: 2,
        expiresAtMs: NOW_MS - 5000,
        leaseUntilMs: NOW_MS + leftMs,
      });
      expect(endings(aws)).toMatchObject(ended);
      expect(endings(aws)).toHaveLength(ended.length);
    },
  );

  it('an attempt begins at that very moment - the write requires the attempt that was read, and loses', async () => {
    await sweep({ state: 'delivering', attempts: 2, expiresAtMs: NOW_MS - 1, leaseUntilMs: NOW_MS - 1 });
    const [end] = endings(aws);
    expect(end?.condition).toBe(
      '#state IN (:accepting, :parked, :delivering) AND #state = :from AND attempts = :attempts',
    );
    expect(end?.values).toMatchObject({ ':from': 'delivering', ':attempts': 2 });
  });

  it('a row that was never accepted - ended, and its idempotency key is free again in the same write', async () => {
    await sweep({ state: 'accepting', callersKey: 'r-1', acceptedAtMs: NOW_MS - 70_000 });
    expect(endings(aws)).toMatchObject([{ state: 'refused', why: 'never-accepted' }]);
    const items = aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems;
    expect(items?.[2]?.Delete?.Key).toEqual({ pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER' });
  });

  it('a row that the index still names, and that is gone or not due yet - nothing', async () => {
    await sweep({ expiresAtMs: NOW_MS + 1 });
    holds(aws, aStoredWorkspace());
    await handleSweep(ports);
    expect(endings(aws)).toEqual([]);
    expect(news(aws)).toEqual([]);
  });

  describe('whose message is gone', () => {
    const sweepParked = async (
      rows: readonly Parameters<typeof rowItem>[0][],
      totals: Record<string, unknown>,
      depth: readonly string[] = ['3', '0', '0'],
    ) => {
      const items = rows.map((changes) => rowItem(changes));
      finds(aws, {
        'DUE#PARKED': [{ pk: 'WS#ws-1' }],
        'WAITING#ws-1': items.map((item) => ({ listSort: item['requestId'] })),
      });
      holds(aws, aStoredWorkspace(), [...items, totalsItem(totals)]);
      const [visible, hidden, delayed] = depth;
      aws.sqs.on(GetQueueAttributesCommand).resolves({
        Attributes: {
          ...(visible !== undefined && { ApproximateNumberOfMessages: visible }),
          ...(hidden !== undefined && { ApproximateNumberOfMessagesNotVisible: hidden }),
          ...(delayed !== undefined && { ApproximateNumberOfMessagesDelayed: delayed }),
        },
      });
      aws.dynamo.on(UpdateCommand).callsFake((input: { ConditionExpression?: string }) => {
        if (input.ConditionExpression !== '#count <= :zero') return {};
        throw new ConditionalCheckFailedException({ message: 'some are parked', $metadata: {} });
      });
      await handleSweep(ports);
    };
    const postponed = () =>
      aws.dynamo
        .commandCalls(UpdateCommand)
        .map((call) => call.args[0].input)
        .filter((input) => input.UpdateExpression?.startsWith('SET dueAt'))
        .map((input) => input.ExpressionAttributeValues);
    const lost = [{ requestId: REQUEST, state: 'dead-lettered', why: 'body-lost' }];
    const long = { parkedAtMs: NOW_MS - 3_600_000, sequence: '5' };

    it('one that came after it in the group has been received - a dead letter, body-lost, counted for the alarm', async () => {
      await sweepParked([{ ...long, attempts: 1 }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(aws)).toMatchObject(lost);
      expect(endings(aws)[0]?.values).toMatchObject({ ':from': 'parked', ':attempts': 1 });
      expect(counted()).toEqual(['RequestDeadLettered', 'BodyLost']);
      expect(counted()).not.toContain('ParkedSilent');
      const mark = aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[2]?.Put;
      expect(mark?.Item).toMatchObject({ sk: 'DEAD-LETTER', listKey: 'DEAD-LETTERS' });
    });

    it('it ends by another hand at that moment - not counted: no message is lost', async () => {
      aws.dynamo.on(TransactWriteCommand).rejects(
        new TransactionCanceledException({
          message: 'final',
          $metadata: {},
          CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
        }),
      );
      await sweepParked([long], { drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' } });
      expect(counted()).toEqual([]);
      expect(news(aws)).toEqual([]);
    });

    it('the oldest are asked for, first come first', async () => {
      await sweepParked([long], {});
      const listed = aws.dynamo
        .commandCalls(QueryCommand)
        .map((call) => call.args[0].input)
        .find((input) => input.ExpressionAttributeValues?.[':list'] === 'WAITING#ws-1');
      expect(listed).toMatchObject({ Limit: 25, ScanIndexForward: true });
    });

    it('nothing later has been received - it only waits', async () => {
      await sweepParked([long], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '5' },
      });
      expect(endings(aws)).toEqual([]);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000 }]);
    });

    it('only the one in front is gone - the one behind it is left alone', async () => {
      const second = '01KBREQESTAAAAAAAAAAAAAAAA';
      await sweepParked([long, { requestId: second, parkedAtMs: NOW_MS - 60_000, sequence: '6' }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(aws)).toMatchObject(lost);
      expect(endings(aws)).toHaveLength(1);
    });

    it('nothing is received, and the queue holds nothing - counted, and the beginning is remembered', async () => {
      await sweepParked([long], {}, ['0', '0', '0']);
      expect(counted()).toContain('ParkedSilent');
      expect(endings(aws)).toEqual([]);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000, ':empty': NOW_MS }]);
    });

    it('and has held nothing for 150 s - a dead letter, body-lost', async () => {
      await sweepParked([long], { emptySinceMs: NOW_MS - 150_000 }, ['0', '0', '0']);
      expect(endings(aws)).toMatchObject(lost);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000, ':empty': NOW_MS - 150_000 }]);
    });

    it.each([
      ['holds messages again', ['0', '1', '0']],
      ['does not say how many are hidden', ['0']],
    ])(
      'nothing is received, but the queue %s - counted only, and the emptiness begins anew',
      async (_what, depth) => {
        await sweepParked([long], { emptySinceMs: NOW_MS - 600_000 }, depth);
        expect(counted()).toContain('ParkedSilent');
        expect(endings(aws)).toEqual([]);
        expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000 }]);
      },
    );

    it('being delivered under a lease - its message is the one that is in hand', async () => {
      await sweepParked(
        [{ ...long, state: 'delivering', leaseUntilMs: NOW_MS + 1 }],
        { drain: { receivedSequence: '6' }, emptySinceMs: NOW_MS - 600_000 },
        ['0', '0', '0'],
      );
      expect(endings(aws)).toEqual([]);
    });

    it('being delivered, and its lease is long over - ended only from that attempt', async () => {
      await sweepParked([{ ...long, state: 'delivering', attempts: 4, leaseUntilMs: NOW_MS - 60_000 }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(aws)).toMatchObject(lost);
      expect(endings(aws)[0]?.values).toMatchObject({ ':from': 'delivering', ':attempts': 4 });
    });

    it('still accepting, or ended though the index does not know it yet - not its business', async () => {
      await sweepParked(
        [
          { ...long, state: 'accepting' },
          { ...long, state: 'delivered' },
        ],
        {
          drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
        },
      );
      expect(endings(aws)).toEqual([]);
      expect(counted()).toEqual([]);
    });
  });

  it('nothing is parked any more - the workspace is no longer looked at', async () => {
    finds(aws, { 'DUE#PARKED': [{ pk: 'WS#ws-1' }] });
    holds(aws, aStoredWorkspace(), [totalsItem({ count: 0 })]);
    await handleSweep(ports);
    const [rested] = aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
    expect(rested).toMatchObject({
      Key: { pk: 'WS#ws-1', sk: 'PARKED' },
      UpdateExpression: 'REMOVE dueKey, dueAt, emptySinceMs',
      ConditionExpression: '#count <= :zero',
    });
    expect(aws.dynamo.commandCalls(UpdateCommand)).toHaveLength(1);
  });
});
