import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { ChangeMessageVisibilityCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import type { AgentAnswer, AgentRequest } from '../../lambdas/ports.ts';
import { received } from './calls.ts';
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
const settle = async (changes = {}) =>
  (await handleDeliveries([received({ ...message, ...changes })], ports)).get('message-1');
const endings = () =>
  aws.dynamo
    .commandCalls(TransactWriteCommand)
    .map((call) => call.args[0].input.TransactItems?.[0]?.Update?.ExpressionAttributeValues)
    .map((values) => ({ state: values?.[':state'] as string, why: values?.[':why'] as string | undefined }));
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
