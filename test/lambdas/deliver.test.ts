import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { received } from './calls.ts';
import { deliveryWorld, message, REQUEST } from './delivery-world.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { answered, news, rowUpdates } from './parked.ts';
import { cancelled, conditionFailed, FAILED } from './refused-writes.ts';

const world = deliveryWorld();
const { hold, settle, endings, reports } = world;

describe('a ready workspace', () => {
  it('gets the request as it was sent, with one key, at the address that EC2 has just given', async () => {
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(world.asked).toMatchObject([
      {
        address: '10.0.1.5',
        port: 8080,
        method: 'POST',
        path: '/a2a',
        body: message.body,
        timeoutMs: 300_000,
        headers: {
          'content-type': 'text/plain',
          'idempotency-key': 'r-1',
          'defib-request-id': REQUEST,
          'defib-attempt': '1',
        },
      },
    ]);
    expect(endings()).toEqual([{ state: 'delivered', why: undefined }]);
  });

  it('the first act is to shorten the queue visibility to a 90 s lease', async () => {
    hold();
    await settle();
    const [first] = world.aws.sqs.commandCalls(ChangeMessageVisibilityCommand);
    expect(first?.args[0].input).toMatchObject({ VisibilityTimeout: 90, ReceiptHandle: 'handle-1' });
  });

  it.each([
    ['/', '/a2a'],
    ['', '/a2a'],
    ['/base', '/base/a2a'],
    ['/base/deep/', '/base/deep/a2a'],
  ])('registered under the path %j - gets it at %s', async (path, expected) => {
    hold({}, aStoredWorkspace({ path }));
    await settle();
    expect(world.asked[0]?.path).toBe(expected);
  });

  it('an ambiguous request says so to the agent', async () => {
    hold({ ambiguous: true });
    await settle();
    expect(world.asked[0]?.headers).toMatchObject({ 'defib-ambiguous': 'true' });
  });

  it.each([400, 401, 404, 409, 410, 422])('answers %i - refused, for good', async (status) => {
    world.answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(endings()).toEqual([{ state: 'refused', why: `status-${status}` }]);
  });

  it.each([408, 425, 429, 500, 502, 503])('answers %i - later, with back-off', async (status) => {
    world.answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
    hold();
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(endings()).toHaveLength(0);
    expect(reports()).toHaveLength(0);
  });

  it.each(['refused', 'reset', 'eof', 'deadline', 'unreachable'] as const)(
    'the POST fails (%s) - later, and the failure is reported to the judge',
    async (because) => {
      world.answer = { kind: 'failed', because };
      hold();
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(reports()).toHaveLength(1);
    },
  );

  it.each([
    ['an attempt of it died just now - its lease was no waiting', NOW_MS - 1000, 5],
    ['an attempt of it died 30 s ago', NOW_MS - 30_000, 30],
    ['no attempt of it died', undefined, 60],
  ])(
    'not running after 2 min, and %s - comes again after so long',
    async (_what, leaseUntilMs, afterSeconds) => {
      ec2Shows(world.aws, 'stopping');
      hold(leaseUntilMs === undefined ? {} : { state: 'delivering', leaseUntilMs });
      const settled = await handleDeliveries(
        [received(message, { firstReceivedAtMs: NOW_MS - 120_000 })],
        world.ports,
      );
      expect(settled.get('message-1')).toEqual({ kind: 'again', afterSeconds });
    },
  );

  it('another delivery has the request - not sent a second time', async () => {
    hold();
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await settle();
    expect(world.asked).toHaveLength(0);
  });
});

describe('a workspace that is not ready', () => {
  it.each([
    ['settling and silent', aStoredWorkspace({ settleUntilMs: NOW_MS + 30_000 })],
    ['paused', aStoredWorkspace({ pause: { by: 'role/op', reason: 'x' } })],
    [
      'busy with as many tasks as it may have',
      aStoredWorkspace({
        heartbeat: { atMs: NOW_MS, seq: 50, bootId: 'boot-a', intervalMs: 5000, activeTasks: 1 },
        freshUntilMs: NOW_MS + 15_000,
      }),
    ],
  ])('%s - deferred by visibility, nothing is sent', async (_what, workspace) => {
    hold({}, workspace);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(world.asked).toHaveLength(0);
  });

  it('settling, but it has beaten since the window opened - delivered before the window ends', async () => {
    hold(
      {},
      aStoredWorkspace({
        settleUntilMs: NOW_MS + 30_000,
        heartbeat: { atMs: NOW_MS - 1000, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 },
        freshUntilMs: NOW_MS + 14_000,
      }),
    );
    await settle();
    expect(world.asked).toHaveLength(1);
  });

  it('an announced window of an hour, and it has beaten since that was opened - delivered at once', async () => {
    const beat = (ageMs: number) => ({
      settleUntilMs: NOW_MS + 3_400_000,
      settleFromMs: NOW_MS - 200_000,
      heartbeat: { atMs: NOW_MS - ageMs, seq: 1, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
      freshUntilMs: NOW_MS + 10_000,
    });
    hold({}, aStoredWorkspace(beat(5000)));
    await settle();
    expect(world.asked).toHaveLength(1);
    hold({}, aStoredWorkspace(beat(200_001)));
    await settle();
    expect(world.asked).toHaveLength(1);
  });

  it('its instance is stopped - deferred, and reported, so that it is found though no caller is left', async () => {
    hold();
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(reports()).toHaveLength(1);
    expect(world.asked).toHaveLength(0);
  });
});

describe('an instance that does not run', () => {
  const reported = () => reports().map((call): unknown => JSON.parse(call.args[0].input.MessageBody ?? ''));

  it.each(['stopped', 'terminated', 'stopping', 'pending', 'shutting-down'])(
    '%s - deferred, and reported: nobody else may be left to see it',
    async (state) => {
      hold();
      ec2Shows(world.aws, state);
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
      expect(world.asked).toHaveLength(0);
      expect(reported()).toMatchObject([{ kind: 'reprobe', errorKind: 'unreachable' }]);
    },
  );

  it('not to be found - deferred, and reported', async () => {
    hold();
    world.aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(reports()).toHaveLength(1);
  });

  it('another one is shown than the registered one - unknown: deferred and reported, nothing sent', async () => {
    hold();
    ec2Shows(world.aws, 'running', { instanceId: 'i-0fffffffffffffff0' });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(world.asked).toHaveLength(0);
    expect(reports()).toHaveLength(1);
  });

  it('EC2 cannot say where it is - deferred, no report: that is no failure of the workspace', async () => {
    hold();
    world.aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(world.asked).toHaveLength(0);
    expect(reports()).toHaveLength(0);
  });
});

describe('a request that is not to be delivered', () => {
  it.each([
    ['expired', { expiresAtMs: NOW_MS }, { state: 'expired', why: 'expired' }],
    [
      'expired while being delivered',
      { state: 'delivering' as const, expiresAtMs: NOW_MS - 1 },
      { state: 'expired', why: 'expired' },
    ],
  ])('%s - ended, with a reason', async (_what, changes, ending) => {
    hold(changes);
    expect(await settle()).toEqual({ kind: 'done' });
    expect(endings()).toEqual([ending]);
    expect(world.asked).toHaveLength(0);
  });

  it.each(['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const)(
    'already %s - the leftover message is dropped, and the state never changes',
    async (state) => {
      hold({ state });
      expect(await settle()).toEqual({ kind: 'done' });
      expect(endings()).toHaveLength(0);
      expect(world.asked).toHaveLength(0);
    },
  );

  it('of another enqueue number - dropped', async () => {
    hold();
    expect(await settle({ enqueueNo: 1 })).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
  });

  it('still accepting - deferred: it was not promised yet', async () => {
    hold({ state: 'accepting' });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(world.asked).toHaveLength(0);
  });

  it.each(['127.0.0.1', '169.254.169.254', '192.168.1.1', '0.0.0.0'])(
    'EC2 gives the address %s, outside the workspace subnets - no socket is opened',
    async (privateIp) => {
      hold();
      ec2Shows(world.aws, 'running', { privateIp });
      await settle();
      expect(world.asked).toHaveLength(0);
      expect(endings()).toMatchObject([{ state: 'dead-lettered' }]);
    },
  );
});

describe('a workspace that was removed and registered anew', () => {
  it('a request that was meant for the old one - refused, and never sent to the new one (S20)', async () => {
    hold({ generation: 2 }, aStoredWorkspace({ generation: 3, firstGeneration: 3 }));
    expect(await settle()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'refused', why: 'workspace-removed' }]);
  });
});

describe('the end of a request', () => {
  it('announced, and then no longer due; the response is kept in the same write', async () => {
    world.answer = answered(200, { 'content-type': 'text/plain' });
    hold();
    await settle();
    expect(news(world.aws)).toMatchObject([{ type: 'request.delivered', detail: { requestId: REQUEST } }]);
    expect(rowUpdates(world.aws, 'REMOVE dueKey')).toHaveLength(1);
    const items = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems;
    expect(items?.[1]?.Update?.ExpressionAttributeValues).toMatchObject({ ':one': 1, ':size': 5 });
    expect(items?.[2]?.Put?.Item).toMatchObject({ sk: 'RESPONSE', response: { status: 200 } });
  });

  it.each([
    [200, 'RequestDelivered'],
    [404, 'RequestRefused'],
    [500, 'RequestDeadLettered'],
  ])('an answer of %i at last - counted as %s', async (status, metric) => {
    world.answer = answered(status);
    hold({ failures: 4 });
    await settle();
    expect(world.ports.log.counted).toEqual([metric]);
  });

  it('that could not be announced - stays due, for the sweep', async () => {
    world.aws.bus.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'no' }] });
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(endings()).toMatchObject([{ state: 'delivered' }]);
    expect(rowUpdates(world.aws, 'REMOVE dueKey')).toHaveLength(0);
  });

  it('that another has written before - it stands, and nothing is announced twice (S24)', async () => {
    hold();
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None'));
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news(world.aws)).toEqual([]);
  });

  it('that could not be written after the delivery - the message stays, and comes with the same key (S22, S25)', async () => {
    hold();
    world.aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    expect(await settle()).toBeUndefined();
    expect(world.asked[0]?.headers['idempotency-key']).toBe('r-1');
  });
});
