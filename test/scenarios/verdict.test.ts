/**
 * What a predecessor met in production, told as given / when / then and played through the use cases, over mocked
 * AWS clients. The numbers are those of the incident history.
 */
import { DescribeInstancesCommand, StartInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ErrorKind } from '../../core/forward-error.ts';
import type { ReprobeMessage } from '../../core/messages.ts';
import type { Evidence, Workspace } from '../../core/workspace.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { aRequest, forwardError, received } from '../lambdas/calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
} from '../lambdas/mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const fails = (kind: ErrorKind = 'refused', more: object = {}) =>
  handleForwardError(
    forwardError({
      error: { kind, ...(kind === 'upstream' && { status: 502 }) },
      request: aRequest,
      ...more,
    }),
    ports,
  );
const probes = () => aws.ec2.commandCalls(DescribeInstancesCommand).length;
const sent = (queue: keyof typeof QUEUE) =>
  aws.sqs.commandCalls(SendMessageCommand).filter((call) => call.args[0].input.QueueUrl === QUEUE[queue])
    .length;
const claims = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .filter((call) => call.args[0].input.UpdateExpression?.startsWith('SET claim =')).length;
const news = () =>
  aws.bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries?.[0]?.DetailType ?? '');
const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
const secondLook = async (errorKind: ErrorKind = 'refused', changes: Partial<ReprobeMessage> = {}) => {
  const message: ReprobeMessage = {
    v: 1,
    kind: 'reprobe',
    workspaceId: 'ws-1',
    instanceId: 'i-0123456789abcdef0',
    generation: 3,
    epoch: 0,
    verdictId: VERDICT,
    errorKind,
    ...changes,
  };
  const settled = await handleReprobes([received(message)], ports);
  const receipt = aws.dynamo.commandCalls(PutCommand).at(-1)?.args[0].input.Item?.['receipt'] as
    { verdict: string; reason: string } | undefined;
  return { settled: settled.get('message-1'), receipt };
};
/** The first look was made 2 s ago and saw it stopped. */
const suspected = (changes: Partial<Workspace> = {}): Workspace => {
  const workspace = aStoredWorkspace(changes);
  const { heartbeat } = workspace;
  const evidence: Evidence = {
    kind: 'stopped',
    verdictId: VERDICT,
    atMs: NOW_MS - 2000,
    generation: 3,
    instanceId: workspace.instanceId,
    ...(heartbeat && { bootId: heartbeat.bootId, seq: heartbeat.seq }),
    launchTimeMs: NOW_MS - 7_200_000,
    round: 0,
  };
  return { ...workspace, evidence };
};
const beat = (ageMs: number): Partial<Workspace> => ({
  heartbeat: { atMs: NOW_MS - ageMs, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
  freshUntilMs: NOW_MS - ageMs + 15_000,
});

describe('verdict scenarios', () => {
  it('1 settle window - given a restart that started 40 s ago and has finished, a heartbeat from before it, a probe that would say stopped; when a forward fails; then 202 queued, no probe, no restart', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000, settleBecause: 'start' }));
    ec2Shows(aws, 'stopped');
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'settling' } });
    expect(probes()).toBe(0);
    expect(
      aws.dynamo.commandCalls(UpdateCommand).filter((call) => call.args[0].input.Key?.['sk'] === 'STATE'),
    ).toHaveLength(0);
    expect(sent('restart')).toBe(0);
  });

  it.each([
    [59_900, 'busy', 'settling'],
    [60_000, 'pending', 'suspect'],
  ])(
    '2 edge of settle - given a start %i ms ago, a stale heartbeat and a stopped probe; when a forward fails; then %s',
    async (agoMs, verdict, reason) => {
      holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS - agoMs + 60_000 }));
      ec2Shows(aws, 'stopped');
      expect(await fails()).toMatchObject({ body: { verdict, reason } });
    },
  );

  it('3 restart in flight - given an open claim; when 5 forwards fail; then busy each, no probe, no second claim', async () => {
    holds(aws, aStoredWorkspace({ claim: aClaim() }));
    for (let i = 0; i < 5; i++)
      expect(await fails()).toMatchObject({ body: { verdict: 'busy', reason: 'restarting' } });
    expect(probes()).toBe(0);
    expect(claims()).toBe(0);
  });

  it('4 transport flake - given a stale heartbeat, probes stopped then running 2 s later; when a forward fails with eof; then alive, exactly 2 probes, no offline event', async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'stopped');
    expect(await fails('eof')).toMatchObject({ body: { verdict: 'pending' } });
    holds(aws, suspected());
    ec2Shows(aws, 'running');
    expect((await secondLook('eof')).receipt).toMatchObject({ verdict: 'alive', reason: 'running' });
    expect(probes()).toBe(2);
    expect(news()).not.toContain('workspace.offline');
    expect(claims()).toBe(0);
  });

  it.each(['RequestLimitExceeded', 'TimeoutError', 'InternalError'])(
    '5 a single stopped probe never kills - given one, and a re-probe that cannot be made (%s); then not dead',
    async (name) => {
      holds(aws, suspected());
      aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name }));
      const { receipt } = await secondLook();
      expect(receipt?.verdict).not.toBe('dead');
      expect(claims()).toBe(0);
    },
  );

  it('6 a recent heartbeat is always busy - given beats every few seconds and a probe that always says stopped; when 20 forwards fail over 60 s; then 20 x 202, no restart', async () => {
    for (let i = 0; i < 20; i++) {
      holds(aws, aStoredWorkspace(beat((i % 4) * 1000)));
      ec2Shows(aws, 'stopped');
      expect(await fails('refused', { request: { ...aRequest, id: `r-${i}` } })).toMatchObject({
        status: 202,
        body: { reason: 'heartbeat-fresh' },
      });
    }
    expect(sent('reprobe')).toBe(0);
    expect(claims()).toBe(0);
  });

  it.each([
    [14_900, 'busy'],
    [15_100, 'pending'],
  ])(
    '7 heartbeat age edge - given a beat %i ms old and a stopped probe outside the settle window; then %s',
    async (ageMs, verdict) => {
      holds(aws, aStoredWorkspace(beat(ageMs)));
      ec2Shows(aws, 'stopped');
      expect(await fails()).toMatchObject({ body: { verdict } });
    },
  );

  it('7 heartbeat age edge - given a beat that is stale by more than the skew margin, both probes stopped; then dead', async () => {
    holds(aws, suspected(beat(20_100)));
    ec2Shows(aws, 'stopped');
    expect((await secondLook()).receipt).toMatchObject({ verdict: 'dead' });
    expect(claims()).toBe(1);
  });

  it.each([
    [
      'never heard of',
      (({ heartbeat: _heartbeat, ...workspace }) => ({ ...workspace, freshUntilMs: 0 }))(aStoredWorkspace()),
    ],
    ['stale', aStoredWorkspace()],
  ])(
    '8 truly dead - given a heartbeat that is %s, two stopped probes; then one offline event, one restart, and the waiting caller gets 503 restarting with Retry-After',
    async (_what, workspace) => {
      const { heartbeat } = workspace as Workspace;
      const { evidence } = suspected();
      if (!evidence) throw new Error('it is suspected');
      const { bootId: _bootId, seq: _seq, ...unbound } = evidence;
      holds(aws, { ...(workspace as Workspace), evidence: heartbeat ? evidence : unbound });
      ec2Shows(aws, 'stopped');
      expect((await secondLook()).receipt).toMatchObject({ verdict: 'dead', reason: 'stopped' });
      expect(news().filter((type) => type === 'workspace.offline')).toHaveLength(1);
      expect(sent('restart')).toBe(1);
    },
  );

  it('9 probe error - given that EC2 throttles or fails; when 100 forwards fail; then no restart at all', async () => {
    holds(aws, aStoredWorkspace());
    for (let i = 0; i < 100; i++) {
      const name = i % 2 === 0 ? 'RequestLimitExceeded' : 'InternalError';
      aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name }));
      await fails('refused', { request: { ...aRequest, id: `r-${i}` } });
    }
    expect(claims()).toBe(0);
    expect(sent('restart')).toBe(0);
  });

  it('10 pending - given a just launched instance that nobody announced; when a forward fails; then not dead', async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'pending', { launchTimeMs: NOW_MS - 90_000 });
    expect(await fails()).toMatchObject({ status: 202, body: { verdict: 'busy', reason: 'booting' } });
    ec2Shows(aws, 'pending', { launchTimeMs: NOW_MS - 1000 });
    expect(await fails('refused', { request: { ...aRequest, id: 'r-2' } })).toMatchObject({
      body: { reason: 'settling' },
    });
  });

  it.each([{ instanceId: 'i-0fffffffffffffff0' }, { generation: 2 }])(
    '11 instance id changed between the looks - given %o in the message; then no dead verdict for the old one',
    async (changes) => {
      holds(aws, suspected());
      ec2Shows(aws, 'stopped');
      expect((await secondLook('refused', changes)).receipt).toMatchObject({
        verdict: 'busy',
        reason: 'workspace-changed',
      });
      expect(claims()).toBe(0);
    },
  );

  it('12 a workspace that Defib may not restart - given one wanted stopped; when a forward fails; then no probe and no restart', async () => {
    holds(aws, aStoredWorkspace({ desired: 'stopped' }));
    expect(await fails()).toMatchObject({ body: { verdict: 'busy', reason: 'paused' } });
    expect(probes()).toBe(0);
  });

  it('13 paused with the box stopped - when something forwards through a stale address; then nothing changes, no restart, no offline event', async () => {
    holds(aws, aStoredWorkspace({ pause: { by: 'role/op', reason: 'hibernated' } }));
    ec2Shows(aws, 'stopped');
    expect(await fails()).toMatchObject({ body: { reason: 'paused' } });
    expect(news()).not.toContain('workspace.offline');
    expect(claims()).toBe(0);
  });

  it('14 the claim lost the race - given a workspace removed between verdict and write; then no event and no restart', async () => {
    holds(aws, suspected());
    ec2Shows(aws, 'stopped');
    aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET claim =')) return {};
      throw new ConditionalCheckFailedException({ message: 'gone', $metadata: {} });
    });
    expect((await secondLook()).receipt).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    expect(news()).not.toContain('workspace.offline');
    expect(sent('restart')).toBe(0);
  });

  it("15 upstream 502 with a busy verdict - then 202, on the caller's path as for a transport error", async () => {
    for (const kind of ['upstream', 'refused'] as const) {
      holds(aws, aStoredWorkspace(beat(700)));
      ec2Shows(aws, 'stopped');
      expect(await fails(kind, { request: { ...aRequest, id: kind } })).toMatchObject({
        status: 202,
        body: { verdict: 'busy' },
      });
    }
  });

  it("15 upstream 502 with a busy verdict - then it stays parked on deliver's path too", async () => {
    const requestId = '01KAREQESTAAAAAAAAAAAAAAAA';
    holds(aws, aStoredWorkspace(beat(700)), [
      {
        pk: `REQ#${requestId}`,
        sk: 'REQUEST',
        ...{
          requestId,
          workspaceId: 'ws-1',
          caller: 'role/proxy',
          state: 'parked',
          attempts: 0,
          enqueueNo: 0,
        },
        ...{
          bodyBytes: 1,
          acceptedAtMs: NOW_MS - 1000,
          expiresAtMs: NOW_MS + 60_000,
          ambiguous: false,
          whenDead: 'refuse',
        },
      },
    ]);
    ec2Shows(aws, 'running');
    ports = portsOver(aws, () => ({
      kind: 'answered',
      response: { status: 502, headers: {}, body: '', truncated: false },
    }));
    const message = {
      ...{
        v: 1 as const,
        kind: 'parked' as const,
        workspaceId: 'ws-1',
        requestId,
        enqueueNo: 0,
        idempotencyKey: 'k',
      },
      ...{ method: 'POST', path: '/', headers: {}, body: '' },
    };
    const settled = await handleDeliveries([received(message)], ports);
    expect(settled.get('message-1')).toMatchObject({ kind: 'again' });
  });

  it("16 the agent's own 503 with the box running - given a proxy that reports it; then 502 upstream-error after one probe, no restart", async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'running');
    expect(await fails('upstream')).toMatchObject({ status: 502, body: { code: 'upstream-error' } });
    expect(probes()).toBe(1);
  });

  it.each(['refused', 'eof', 'reset'] as const)(
    '17, 18 %s while the box runs - then a retryable 503 agent-restarting, not queued, no restart',
    async (kind) => {
      holds(aws, aStoredWorkspace());
      ec2Shows(aws, 'running');
      expect(await fails(kind)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
        body: { code: 'agent-restarting' },
      });
      expect(sent('parked')).toBe(0);
      expect(aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(0);
    },
  );

  it('19 deadline on a slow live agent - then 202 queued', async () => {
    holds(aws, aStoredWorkspace(beat(3000)));
    ec2Shows(aws, 'running');
    expect(await fails('deadline')).toMatchObject({ status: 202, body: { code: 'upstream-busy' } });
  });
});
