import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import type { Received } from '../../lambdas/ports/queues.ts';
import type { AgentAnswer, AgentRequest } from '../../lambdas/ports/agents.ts';
import { received } from './calls.ts';
import { answered, keptPieces, news, notes, rowUpdates, totalsItem, writesInOrder } from './parked.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver, QUEUE } from './mocked-aws.ts';

const REQUEST = '01KAREQESTAAAAAAAAAAAAAAAA';
const message: ParkedMessage = {
  v: 1,
  kind: 'parked',
  workspaceId: 'ws-1',
  requestId: REQUEST,
  enqueueNo: 0,
  idempotencyKey: 'r-1',
  method: 'POST',
  path: '/a2a',
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from('hello').toString('base64'),
};
const row: ParkedRequest = {
  requestId: REQUEST,
  workspaceId: 'ws-1',
  caller: 'role/proxy',
  state: 'parked',
  attempts: 0,
  bodyBytes: 5,
  acceptedAtMs: NOW_MS - 10_000,
  parkedAtMs: NOW_MS - 9000,
  expiresAtMs: NOW_MS + 3_600_000,
  ambiguous: false,
  whenDead: 'refuse',
  errorClass: 'agent-restarting',
  enqueueNo: 0,
};

let aws: ReturnType<typeof mockedAws>;
let asked: AgentRequest[];
let answer: AgentAnswer;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  asked = [];
  answer = { kind: 'answered', response: { status: 200, headers: {}, body: '', truncated: false } };
  ports = portsOver(aws, (request) => {
    asked.push(request);
    return answer;
  });
  ec2Shows(aws, 'running');
});

const hold = (
  changes: Partial<ParkedRequest> = {},
  workspace = aStoredWorkspace(),
  more: Record<string, unknown>[] = [],
) => {
  holds(aws, workspace, [{ pk: `REQ#${REQUEST}`, sk: 'REQUEST', ...row, ...changes }, ...more]);
};
const settle = async (changes = {}, receipt: Partial<Received<ParkedMessage>> = {}) =>
  (await handleDeliveries([received({ ...message, ...changes }, { sequence: '7', ...receipt })], ports)).get(
    'message-1',
  );
const endings = () =>
  aws.dynamo
    .commandCalls(TransactWriteCommand)
    .map((call) => call.args[0].input.TransactItems?.[0]?.Update?.ExpressionAttributeValues)
    .map((values) => ({ state: values?.[':state'] as string, why: values?.[':why'] as string | undefined }));
/** What is noted of a message that was just received, and put off. */
const justReceived = {
  receivedAtMs: NOW_MS,
  receivedSequence: '7',
  nextDueAtMs: expect.any(Number) as number,
};
const reports = () =>
  aws.sqs.commandCalls(SendMessageCommand).filter((call) => call.args[0].input.QueueUrl === QUEUE.reprobe);

describe('a ready workspace', () => {
  it('gets the request as it was sent, with one key, at the address that EC2 has just given', async () => {
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(asked).toMatchObject([
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
    const [first] = aws.sqs.commandCalls(ChangeMessageVisibilityCommand);
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
    expect(asked[0]?.path).toBe(expected);
  });

  it('an ambiguous request says so to the agent', async () => {
    hold({ ambiguous: true });
    await settle();
    expect(asked[0]?.headers).toMatchObject({ 'defib-ambiguous': 'true' });
  });

  it.each([400, 401, 404, 409, 410, 422])('answers %i - refused, for good', async (status) => {
    answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(endings()).toEqual([{ state: 'refused', why: `status-${status}` }]);
  });

  it.each([408, 425, 429, 500, 502, 503])('answers %i - later, with back-off', async (status) => {
    answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
    hold();
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(endings()).toHaveLength(0);
    expect(reports()).toHaveLength(0);
  });

  it.each(['refused', 'reset', 'eof', 'deadline', 'unreachable'] as const)(
    'the POST fails (%s) - later, and the failure is reported to the judge',
    async (because) => {
      answer = { kind: 'failed', because };
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
      ec2Shows(aws, 'stopping');
      hold(leaseUntilMs === undefined ? {} : { state: 'delivering', leaseUntilMs });
      const settled = await handleDeliveries(
        [received(message, { firstReceivedAtMs: NOW_MS - 120_000 })],
        ports,
      );
      expect(settled.get('message-1')).toEqual({ kind: 'again', afterSeconds });
    },
  );

  it('another delivery has the request - not sent a second time', async () => {
    hold();
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'taken', $metadata: {} }));
    await settle();
    expect(asked).toHaveLength(0);
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
    expect(asked).toHaveLength(0);
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
    expect(asked).toHaveLength(1);
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
    expect(asked).toHaveLength(1);
    hold({}, aStoredWorkspace(beat(200_001)));
    await settle();
    expect(asked).toHaveLength(1);
  });

  it('its instance is stopped - deferred, and reported, so that it is found though no caller is left', async () => {
    hold();
    ec2Shows(aws, 'stopped');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(reports()).toHaveLength(1);
    expect(asked).toHaveLength(0);
  });
});

describe('an instance that does not run', () => {
  const reported = () => reports().map((call): unknown => JSON.parse(call.args[0].input.MessageBody ?? ''));

  it.each(['stopped', 'terminated', 'stopping', 'pending', 'shutting-down'])(
    '%s - deferred, and reported: nobody else may be left to see it',
    async (state) => {
      hold();
      ec2Shows(aws, state);
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
      expect(asked).toHaveLength(0);
      expect(reported()).toMatchObject([{ kind: 'reprobe', errorKind: 'unreachable' }]);
    },
  );

  it('not to be found - deferred, and reported', async () => {
    hold();
    aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(reports()).toHaveLength(1);
  });

  it('another one is shown than the registered one - unknown: deferred and reported, nothing sent', async () => {
    hold();
    ec2Shows(aws, 'running', { instanceId: 'i-0fffffffffffffff0' });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(asked).toHaveLength(0);
    expect(reports()).toHaveLength(1);
  });

  it('EC2 cannot say where it is - deferred, no report: that is no failure of the workspace', async () => {
    hold();
    aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(asked).toHaveLength(0);
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
    expect(asked).toHaveLength(0);
  });

  it.each(['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const)(
    'already %s - the leftover message is dropped, and the state never changes',
    async (state) => {
      hold({ state });
      expect(await settle()).toEqual({ kind: 'done' });
      expect(endings()).toHaveLength(0);
      expect(asked).toHaveLength(0);
    },
  );

  it('of another enqueue number - dropped', async () => {
    hold();
    expect(await settle({ enqueueNo: 1 })).toEqual({ kind: 'done' });
    expect(asked).toHaveLength(0);
  });

  it('still accepting - deferred: it was not promised yet', async () => {
    hold({ state: 'accepting' });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(asked).toHaveLength(0);
  });

  it.each(['127.0.0.1', '169.254.169.254', '192.168.1.1', '0.0.0.0'])(
    'EC2 gives the address %s, outside the workspace subnets - no socket is opened',
    async (privateIp) => {
      hold();
      ec2Shows(aws, 'running', { privateIp });
      await settle();
      expect(asked).toHaveLength(0);
      expect(endings()).toMatchObject([{ state: 'dead-lettered' }]);
    },
  );
});

describe('a request held by a verdict', () => {
  const HOLDER = '01KAHLDERAAAAAAAAAAAAAAAAA';
  const receipt = (verdict: string, reason = verdict) => [
    {
      pk: 'WS#ws-1',
      sk: `VERDICT#${HOLDER}`,
      receipt: { verdictId: HOLDER, workspaceId: 'ws-1', verdict, reason },
    },
  ];

  it('still pending - left alone', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('pending', 'suspect'));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(asked).toHaveLength(0);
  });

  it('busy - released', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('busy', 'heartbeat-fresh'));
    await settle();
    expect(asked).toHaveLength(1);
  });

  it('dead, and the caller did not ask to park - ended as refused, dead', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('dead', 'stopped'));
    await settle();
    expect(endings()).toEqual([{ state: 'refused', why: 'dead' }]);
  });

  it('dead, and the caller asked to park - kept for after the restart', async () => {
    hold({ heldBy: HOLDER, whenDead: 'park' }, aStoredWorkspace(), receipt('dead', 'stopped'));
    await settle();
    expect(endings()).toEqual([{ state: 'delivered', why: undefined }]);
  });

  it('alive after a refused connection - ended with the code that the verdict gives', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('alive', 'running'));
    await settle();
    expect(endings()).toEqual([{ state: 'refused', why: 'agent-restarting' }]);
  });
});

const otherBoot = { answered: false, launchTimeMs: NOW_MS - 9_000_000, bootId: 'boot-before' };
const sameBoot = { answered: false, launchTimeMs: NOW_MS - 7_200_000, bootId: 'boot-a' };

describe('the lease of an attempt', () => {
  it('begins with it, in the row: for 90 s, one attempt more, and only while the time of the request lasts', async () => {
    hold({ attempts: 2 });
    await settle();
    const [begun] = rowUpdates(aws, 'SET #state = :delivering');
    expect(begun?.ConditionExpression).toBe(
      '#state IN (:parked, :delivering) AND attempts = :attempts AND expiresAtMs > :now',
    );
    expect(begun?.ExpressionAttributeValues).toMatchObject({
      ':lease': NOW_MS + 90_000,
      ':attempts': 2,
      ':next': 3,
      ':now': NOW_MS,
      ':mark': sameBoot,
      ':interruptions': 0,
    });
    expect(asked[0]?.headers['defib-attempt']).toBe('3');
  });

  it('another copy of the message holds it - hidden until it ends, nothing sent, and the head stays that of the other', async () => {
    hold({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS + 40_000 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 40 });
    expect(asked).toHaveLength(0);
    expect(rowUpdates(aws, 'SET #state')).toHaveLength(0);
    expect(notes(aws)).toMatchObject([{ head: undefined }]);
  });

  it('another copy takes it at the same moment - not the workspace is waited for, and the head stays that of the other', async () => {
    hold();
    aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET #state = :delivering')) return {};
      throw new ConditionalCheckFailedException({ message: 'taken', $metadata: {} });
    });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(asked).toHaveLength(0);
    expect(notes(aws)[0]?.head).toBeUndefined();
    expect(notes(aws)[0]?.drain).toEqual(justReceived);
  });

  it('it is over and the row is still being delivered - tried again, and the agent is told that a copy may have arrived', async () => {
    hold({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS, lastAttempt: sameBoot });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(asked[0]?.headers).toMatchObject({ 'defib-ambiguous': 'true', 'defib-attempt': '2' });
    expect(rowUpdates(aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues).toMatchObject({
      ':ambiguous': true,
    });
  });

  it.each(['answers', 'fails'] as const)(
    'the agent works for long, then %s - renewed every 30 s in queue and row for the attempt that it is, and then no more',
    async (how) => {
      hold({ attempts: 1 });
      let renew: (() => Promise<void>) | undefined;
      let stops = 0;
      let everyMs = 0;
      const clock = {
        ...ports.clock,
        every: (intervalMs: number, work: () => Promise<void>) => {
          everyMs = intervalMs;
          renew = work;
          return { stop: () => void (stops += 1) };
        },
      };
      const agents = {
        send: async () => {
          ports.clock.advance(30_000);
          await renew?.();
          if (how === 'fails') throw new Error('a fault of the client');
          return answer;
        },
      };
      ports = { ...ports, clock, agents };
      await settle();
      expect(everyMs).toBe(30_000);
      expect(stops).toBe(1);
      expect(
        aws.sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input),
      ).toMatchObject([{ VisibilityTimeout: 90 }, { VisibilityTimeout: 90, ReceiptHandle: 'handle-1' }]);
      const [renewed] = rowUpdates(aws, 'SET leaseUntilMs');
      expect(renewed?.ConditionExpression).toBe('#state = :delivering AND attempts = :attempts');
      expect(renewed?.ExpressionAttributeValues).toMatchObject({
        ':lease': NOW_MS + 120_000,
        ':attempts': 2,
      });
    },
  );
});

describe('an attempt that came to nothing', () => {
  const putBack = () => rowUpdates(aws, 'SET #state = :parked').map((input) => input);

  it('a failure of the agent - counted, and the time of the next try is kept in the row and with the head', async () => {
    answer = answered(500);
    hold({ failures: 1 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(putBack()[0]?.ConditionExpression).toBe('#state = :delivering AND attempts = :attempts');
    expect(putBack()[0]?.ExpressionAttributeValues).toMatchObject({
      ':why': 'status-500',
      ':failures': 2,
      ':notBefore': NOW_MS + 10_000,
      ':attempts': 1,
      ':ambiguous': true,
      ':mark': { ...sameBoot, answered: true },
    });
    expect(notes(aws)).toMatchObject([
      { head: { requestId: REQUEST, receiptHandle: 'handle-1', notBeforeMs: NOW_MS + 10_000 } },
    ]);
  });

  it('before its next try - deferred until then, nothing sent', async () => {
    hold({ notBeforeMs: NOW_MS + 7000 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 7 });
    expect(asked).toHaveLength(0);
    expect(notes(aws)).toMatchObject([{ head: { notBeforeMs: NOW_MS + 7000 } }]);
  });

  it.each([
    ['eof', { ...sameBoot, answered: false }, true],
    ['refused', undefined, false],
  ] as const)('%s - kept is what the next attempt has to know', async (because, mark, mayHaveArrived) => {
    answer = { kind: 'failed', because };
    hold();
    await settle();
    const [back] = putBack();
    expect(back?.ExpressionAttributeValues?.[':mark']).toEqual(mark);
    expect(back?.ExpressionAttributeValues?.[':ambiguous']).toBe(mayHaveArrived);
    expect(back?.UpdateExpression?.includes('REMOVE leaseUntilMs, lastAttempt')).toBe(mark === undefined);
  });

  it('nothing arrived, after an attempt that was cut off - still in doubt, and that attempt is still remembered', async () => {
    answer = { kind: 'failed', because: 'refused' };
    hold({ ambiguous: true, lastAttempt: otherBoot });
    await settle();
    expect(putBack()[0]?.ExpressionAttributeValues).toMatchObject({ ':ambiguous': true, ':mark': otherBoot });
  });

  it.each([
    ['30', 30],
    ['3', 5],
    ['100000', 120],
    ['-7', 5],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 5],
    ['', 5],
  ])('429 with Retry-After %j - left alone for %i s, and no failure is counted', async (text, seconds) => {
    answer = answered(429, { 'retry-after': text });
    hold({ failures: 4 });
    const settled = await settle();
    expect(endings()).toHaveLength(0);
    expect(putBack()[0]?.ExpressionAttributeValues?.[':failures']).toBe(4);
    if (Number(text) > 0) expect(putBack()[0]?.ExpressionAttributeValues?.[':notBefore']).toBeGreaterThan(0);
    // After four failures its own back-off is 40 s, where a time of its own is asked for.
    const ownSeconds = Number(text) > 0 ? 40 : 5;
    expect(settled).toEqual({ kind: 'again', afterSeconds: Math.max(seconds, ownSeconds) });
  });
});

describe('an agent that asks for a moment again and again', () => {
  it.each([
    [0, 5],
    [30_000, 30],
    [600_000, 60],
    [4_000_000, 120],
  ])(
    'for %i ms by now - looked at again after %i s: the queue counts receives',
    async (waitedMs, seconds) => {
      answer = answered(429, { 'retry-after': '1' });
      hold();
      const settled = await settle({}, { firstReceivedAtMs: NOW_MS - waitedMs });
      expect(settled).toEqual({ kind: 'again', afterSeconds: seconds });
      const [back] = rowUpdates(aws, 'SET #state = :parked');
      expect(back?.ExpressionAttributeValues).toMatchObject({ ':notBefore': NOW_MS + 5000, ':failures': 0 });
    },
  );

  it('and its message was received 900 times - a dead letter, its bytes kept before its row ends', async () => {
    hold();
    expect(await settle({}, { receives: 900 })).toEqual({ kind: 'done' });
    expect(endings()).toEqual([{ state: 'dead-lettered', why: 'received-too-often' }]);
    expect(keptPieces(aws).length).toBeGreaterThan(0);
    expect(asked).toHaveLength(0);
  });
});

describe('a request that is given up', () => {
  it.each([
    [answered(500), 'gave-up-status-500'],
    [{ kind: 'failed', because: 'eof' } as const, 'gave-up-eof'],
    [{ kind: 'failed', because: 'deadline' } as const, 'gave-up-deadline'],
  ])(
    'the agent fails at it for the fifth time (%j) - a dead letter, its bytes kept before its row ends',
    async (failed, why) => {
      answer = failed;
      hold({ failures: 4, attempts: 4 });
      expect(await settle()).toEqual({ kind: 'done' });
      expect(endings()).toEqual([{ state: 'dead-lettered', why }]);
      expect(writesInOrder(aws)).toEqual(['update', 'put', 'transaction', 'update']);
      expect(keptPieces(aws)).toMatchObject([
        { pk: `REQ#${REQUEST}`, sk: 'BYTES#00', piece: JSON.stringify(message), count: 1 },
      ]);
      expect(news(aws)).toEqual([
        {
          type: 'request.dead-lettered',
          detail: { workspaceId: 'ws-1', requestId: REQUEST, reason: why },
        },
      ]);
    },
  );

  it('the fourth time - not yet', async () => {
    answer = answered(500);
    hold({ failures: 3 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 40 });
    expect(endings()).toHaveLength(0);
  });

  it.each(['refused', 'unreachable'] as const)(
    '%s for the hundredth time - never for that: nothing arrived, and it waits for its workspace',
    async (because) => {
      answer = { kind: 'failed', because };
      hold({ failures: 4, attempts: 99 });
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(endings()).toHaveLength(0);
    },
  );

  it('its bytes cannot be kept - it does not end, and the message is seen again', async () => {
    answer = answered(500);
    hold({ failures: 4 });
    aws.dynamo.on(PutCommand).rejects(new Error('no table'));
    expect(await settle()).toBeUndefined();
    expect(endings()).toHaveLength(0);
  });

  it('a body of 700 KiB - kept in pieces that an item can hold, which are the whole message again', async () => {
    answer = answered(500);
    hold({ failures: 4 });
    const body = Buffer.alloc(700 * 1024, 'x').toString('base64');
    await settle({ body });
    const pieces = keptPieces(aws);
    expect(pieces.length).toBeGreaterThan(1);
    expect(new Set(pieces.map((item) => item['count']))).toEqual(new Set([pieces.length]));
    for (const item of pieces) expect(JSON.stringify(item).length).toBeLessThan(400 * 1024);
    expect(JSON.parse(pieces.map((item) => String(item['piece'])).join(''))).toEqual({ ...message, body });
  });

  it('in flight at three restarts in a row - poison: no fourth attempt, and its bytes are kept', async () => {
    hold({ state: 'delivering', attempts: 3, interruptions: 2, lastAttempt: otherBoot, leaseUntilMs: 0 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'dead-lettered', why: 'poison' }]);
    expect(keptPieces(aws)).toHaveLength(1);
  });

  it('at two - tried once more, and the second is counted', async () => {
    hold({ state: 'delivering', attempts: 2, interruptions: 1, lastAttempt: otherBoot, leaseUntilMs: 0 });
    await settle();
    expect(asked).toHaveLength(1);
    expect(rowUpdates(aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues).toMatchObject({
      ':interruptions': 2,
    });
  });
});

describe('a request whose caller refuses a second copy', () => {
  it.each([
    ['one may have arrived before it was parked', { ambiguous: true }],
    ['an attempt was cut off in the middle', { state: 'delivering', leaseUntilMs: NOW_MS - 1 }],
  ] as const)('%s - refused as ambiguous, nothing sent', async (_what, changes) => {
    hold({ ...changes, onAmbiguous: 'refuse' });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'refused', why: 'ambiguous' }]);
  });
});

describe('a workspace that was removed and registered anew', () => {
  it('a request that was meant for the old one - refused, and never sent to the new one (S20)', async () => {
    hold({ generation: 2 }, aStoredWorkspace({ generation: 3, firstGeneration: 3 }));
    expect(await settle()).toEqual({ kind: 'done' });
    expect(asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'refused', why: 'workspace-removed' }]);
  });
});

describe('peerProof', () => {
  const beating = aStoredWorkspace({
    heartbeat: { atMs: NOW_MS, seq: 5, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 },
  });
  const { heartbeat: _never, ...mute } = aStoredWorkspace();
  const proving = { settings: { peerProof: 'well-known' } } as const;

  it.each([
    ['unless somebody asked for it, none is wanted', beating, undefined],
    [
      'of a workspace that beats - its id and the boot that beats',
      { ...beating, ...proving },
      { workspaceId: 'ws-1', bootId: 'boot-b' },
    ],
    ['of one that has never beaten - its id', { ...mute, ...proving }, { workspaceId: 'ws-1' }],
  ])('%s', async (_what, workspace, proof) => {
    hold({}, workspace);
    await settle();
    expect(asked[0]?.proof).toEqual(proof);
  });

  it('a stranger answers - nothing was sent, it waits, and is counted for the alarm; nobody is suspected', async () => {
    answer = { kind: 'stranger' };
    hold({ failures: 1 }, { ...beating, ...proving });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(ports.log.counted).toContain('StrangerMet');
    expect(reports()).toHaveLength(0);
    const [back] = rowUpdates(aws, 'SET #state = :parked');
    expect(back?.ExpressionAttributeValues).toMatchObject({
      ':why': 'stranger',
      ':ambiguous': false,
      ':failures': 1,
    });
  });

  it('it fails at the proof - reported like any failure, but no copy has arrived', async () => {
    answer = { kind: 'failed', because: 'deadline', unsent: true };
    hold({}, { ...beating, ...proving });
    await settle();
    expect(reports()).toHaveLength(1);
    expect(ports.log.counted).not.toContain('StrangerMet');
    expect(rowUpdates(aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues).toMatchObject({
      ':ambiguous': false,
      ':failures': 0,
    });
  });
});

describe('another copy begins an attempt while this one is about to end the request', () => {
  const cancelled = new TransactionCanceledException({
    message: 'another attempt',
    $metadata: {},
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
  });
  /** The row is another's by the time that the end is written. */
  const movesOn = (changes: Partial<ParkedRequest>, now: Partial<ParkedRequest>) => {
    hold(changes);
    aws.dynamo.on(TransactWriteCommand).callsFake(() => {
      hold({ ...changes, ...now });
      throw cancelled;
    });
  };
  const others = { state: 'delivering', attempts: 9, leaseUntilMs: NOW_MS + 90_000 } as const;
  const deadStatus = (status: number) => () => {
    answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
  };

  it.each([
    ['refused by its answer', {}, deadStatus(404)],
    ['given up after five failures', { failures: 4 }, deadStatus(500)],
    ['poison', { interruptions: 3, lastAttempt: { answered: false } }, () => {}],
    ['expired', { expiresAtMs: NOW_MS }, () => {}],
    ['ambiguous', { ambiguous: true, onAmbiguous: 'refuse' as const }, () => {}],
  ])('%s - not ended, and its message stays (S24, S25)', async (_what, changes, arrange) => {
    arrange();
    movesOn(changes, others);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(news(aws)).toEqual([]);
    const [end] = aws.dynamo.commandCalls(TransactWriteCommand);
    const update = end?.args[0].input.TransactItems?.[0]?.Update;
    expect(update?.ConditionExpression).toContain('attempts = :attempts');
    expect(update?.ExpressionAttributeValues?.[':attempts']).toBe(asked.length);
    expect(notes(aws)[0]?.head).toBeUndefined();
  });

  it('delivered - delivered, whoever else is at it by now', async () => {
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    const [end] = aws.dynamo.commandCalls(TransactWriteCommand);
    expect(end?.args[0].input.TransactItems?.[0]?.Update?.ConditionExpression).toBe(
      '#state IN (:accepting, :parked, :delivering)',
    );
  });

  it('it has ended by another hand - done, and told by that hand', async () => {
    deadStatus(404)();
    movesOn({}, { state: 'cancelled' });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news(aws)).toEqual([]);
  });
});

describe('the pace of a drain', () => {
  const drainOf = () =>
    aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[1]?.Update
      ?.ExpressionAttributeValues?.[':drain'] as Record<string, unknown> | undefined;

  it('waiting for the workspace - noted since when, what was received, and that it begins with one', async () => {
    hold({}, aStoredWorkspace({ settleUntilMs: NOW_MS + 30_000 }), [
      totalsItem({ drain: { turnMs: 1200, unreadySinceMs: NOW_MS - 8000 } }),
    ]);
    await settle();
    expect(notes(aws)).toMatchObject([
      {
        head: { requestId: REQUEST, receiptHandle: 'handle-1', notBeforeMs: 0 },
        drain: {
          turnMs: 1200,
          unreadySinceMs: NOW_MS - 8000,
          receivedAtMs: NOW_MS,
          receivedSequence: '7',
          ramp: { step: 1, left: 1, notBeforeMs: 0 },
        },
      },
    ]);
  });

  it('waiting because the agent is full - that is its own pace, and no new recovery', async () => {
    const busy = aStoredWorkspace({
      heartbeat: { atMs: NOW_MS, seq: 50, bootId: 'boot-a', intervalMs: 5000, activeTasks: 1 },
      freshUntilMs: NOW_MS + 15_000,
    });
    hold({}, busy, [totalsItem({ drain: {} })]);
    await settle();
    expect(notes(aws)[0]?.drain).toEqual(justReceived);
  });

  it('its instance is not running - the pace begins with one as well', async () => {
    hold({}, aStoredWorkspace(), [totalsItem()]);
    ec2Shows(aws, 'stopping');
    await settle();
    expect(notes(aws)[0]?.drain).toMatchObject({ ramp: { step: 1 }, unreadySinceMs: NOW_MS });
  });

  it('the first delivery after it - noted with the end: the next two not before a beat has passed', async () => {
    hold({}, aStoredWorkspace(), [
      totalsItem({ drain: { unreadySinceMs: NOW_MS - 60_000, ramp: { step: 1, left: 1, notBeforeMs: 0 } } }),
    ]);
    await settle();
    expect(drainOf()).toMatchObject({
      ramp: { step: 2, left: 2, notBeforeMs: NOW_MS + 5000 },
      recoveryMs: 60_000,
      turnMs: 0,
    });
    expect(drainOf()).not.toHaveProperty('unreadySinceMs');
  });

  it.each([
    [1000, 1000],
    [60_000, 5000],
    [undefined, 5000],
  ])(
    'a beat every %s ms - the pause is %i ms: the time of one beat, up to five seconds',
    async (intervalMs, pauseMs) => {
      const { heartbeat, ...mute } = aStoredWorkspace();
      const workspace =
        intervalMs === undefined || !heartbeat ? mute : { ...mute, heartbeat: { ...heartbeat, intervalMs } };
      hold({}, workspace, [totalsItem({ drain: { ramp: { step: 1, left: 1, notBeforeMs: 0 } } })]);
      await settle();
      expect(drainOf()).toMatchObject({ ramp: { notBeforeMs: NOW_MS + pauseMs } });
    },
  );

  it.each([
    ['accepting', { state: 'accepting' }],
    ['held by a verdict', { heldBy: '01KAHLDERAAAAAAAAAAAAAAAAA' }],
    ['being delivered by another copy', { state: 'delivering', leaseUntilMs: NOW_MS + 9000 }],
    ['before its own time', { notBeforeMs: NOW_MS + 9000 }],
  ] as const)(
    '%s - no fault of the workspace: no recovery is counted, and the pace stays',
    async (_what, changes) => {
      hold(changes, aStoredWorkspace(), [totalsItem()]);
      await settle();
      expect(notes(aws)[0]?.drain).toEqual(justReceived);
    },
  );

  it('before the next step - deferred until it, nothing sent, the ramp as it was', async () => {
    const ramp = { step: 4, left: 4, notBeforeMs: NOW_MS + 4000 };
    hold({}, aStoredWorkspace(), [totalsItem({ drain: { ramp } })]);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 4 });
    expect(asked).toHaveLength(0);
    expect(notes(aws)).toMatchObject([{ head: { notBeforeMs: NOW_MS + 4000 }, drain: { ramp } }]);
  });

  it('never unready - no ramp', async () => {
    hold({}, aStoredWorkspace(), [totalsItem()]);
    await settle();
    expect(asked).toHaveLength(1);
    expect(drainOf()).not.toHaveProperty('ramp');
  });
});

describe('the end of a request', () => {
  it('announced, and then no longer due; the response is kept in the same write', async () => {
    answer = answered(200, { 'content-type': 'text/plain' });
    hold();
    await settle();
    expect(news(aws)).toMatchObject([{ type: 'request.delivered', detail: { requestId: REQUEST } }]);
    expect(rowUpdates(aws, 'REMOVE dueKey')).toHaveLength(1);
    const items = aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems;
    expect(items?.[1]?.Update?.ExpressionAttributeValues).toMatchObject({ ':one': 1, ':size': 5 });
    expect(items?.[2]?.Put?.Item).toMatchObject({ sk: 'RESPONSE', response: { status: 200 } });
  });

  it.each([
    [200, 'RequestDelivered'],
    [404, 'RequestRefused'],
    [500, 'RequestDeadLettered'],
  ])('an answer of %i at last - counted as %s', async (status, metric) => {
    answer = answered(status);
    hold({ failures: 4 });
    await settle();
    expect(ports.log.counted).toEqual([metric]);
  });

  it('that could not be announced - stays due, for the sweep', async () => {
    aws.bus.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'no' }] });
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    expect(endings()).toMatchObject([{ state: 'delivered' }]);
    expect(rowUpdates(aws, 'REMOVE dueKey')).toHaveLength(0);
  });

  it('that another has written before - it stands, and nothing is announced twice (S24)', async () => {
    hold();
    aws.dynamo.on(TransactWriteCommand).rejects(
      new TransactionCanceledException({
        message: 'final',
        $metadata: {},
        CancellationReasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
      }),
    );
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news(aws)).toEqual([]);
  });

  it('that could not be written after the delivery - the message stays, and comes with the same key (S22, S25)', async () => {
    hold();
    aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    expect(await settle()).toBeUndefined();
    expect(asked[0]?.headers['idempotency-key']).toBe('r-1');
  });
});
