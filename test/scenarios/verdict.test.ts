/**
 * What a predecessor met in production, told as given / when / then and played through the use cases, over mocked
 * AWS clients. The numbers are those of the incident history.
 */
import { DescribeInstancesCommand, StartInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { ErrorKind } from '../../core/forward-error.ts';
import type { ReprobeMessage } from '../../core/messages.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { aRequest, forwardError, received } from '../lambdas/calls.ts';
import { evidenceOf } from '../lambdas/claimed.ts';
import { memoryTable } from '../lambdas/memory-table.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  itemOf,
  NOW_MS,
  portsOver,
  type QUEUE,
} from '../lambdas/mocked-aws.ts';
import { oneWorkspace } from '../lambdas/one-workspace.ts';
import { aMessage, answered, rowItem } from '../lambdas/parked.ts';
import { conditionFailed } from '../lambdas/refused-writes.ts';

const world = oneWorkspace();
const { hold, reprobes, updates, puts, claimWrites, probes, news } = world;

const fails = (kind: ErrorKind = 'refused', more: object = {}) =>
  handleForwardError(
    forwardError({
      error: { kind, ...(kind === 'upstream' && { status: 502 }) },
      request: aRequest,
      ...more,
    }),
    world.ports,
  );
const sent = (queue: keyof typeof QUEUE) => world.sent(queue).length;
/** Writes to the workspace itself. */
const changes = () => updates().filter(({ Key }) => Key?.['sk'] === 'STATE').length;
const claims = () => claimWrites().length;
const secondLook = async (errorKind: ErrorKind = 'refused', changes: Partial<ReprobeMessage> = {}) => {
  const settled = await reprobes({ errorKind, ...changes });
  const receipt = puts().at(-1)?.Item?.['receipt'] as { verdict: string; reason: string } | undefined;
  return { settled, receipt };
};
/** The first look was made 2 s ago and saw it stopped. */
const suspected = (changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ evidence: evidenceOf(), ...changes });
const beat = (ageMs: number): Partial<Workspace> => ({
  heartbeat: { atMs: NOW_MS - ageMs, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
  freshUntilMs: NOW_MS - ageMs + 15_000,
});

const { heartbeat: _heartbeat, ...beatless } = aStoredWorkspace();
const neverHeardOf: Workspace = { ...beatless, freshUntilMs: 0 };
/** A call with `Prefer: wait`; while it sleeps, the re-probe that it asked for comes when its two seconds are over. */
const failsAndWaits = () => {
  const { clock } = world.ports;
  let looked = false;
  const sleep = async (ms: number) => {
    await clock.sleep(ms);
    const message = world.sent('reprobe')[0];
    if (looked || !message || clock.nowMs() < NOW_MS + 2000) return;
    looked = true;
    const atMs = clock.nowMs();
    await handleReprobes(
      [received(message as unknown as ReprobeMessage, { sentAtMs: NOW_MS, firstReceivedAtMs: atMs })],
      world.ports,
    );
  };
  return handleForwardError(
    forwardError({ error: { kind: 'refused' }, request: aRequest }, { headers: { prefer: 'wait=5' } }),
    { ...world.ports, clock: { ...clock, sleep } },
  );
};

describe('verdict scenarios', () => {
  it('1 settle window - given a restart that started 40 s ago and has finished, a heartbeat from before it, a probe that would say stopped; when a forward fails; then 202 queued, no probe, no restart', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000, settleBecause: 'start' }));
    ec2Shows(world.aws, 'stopped');
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'settling' } });
    expect(probes()).toBe(0);
    expect(changes()).toBe(0);
    expect(sent('restart')).toBe(0);
  });

  it.each([
    [59_900, 'busy', 'settling'],
    [60_000, 'pending', 'suspect'],
  ])(
    '2 edge of settle - given a start %i ms ago, a stale heartbeat and a stopped probe; when a forward fails; then %s',
    async (agoMs, verdict, reason) => {
      hold(aStoredWorkspace({ settleUntilMs: NOW_MS - agoMs + 60_000 }));
      ec2Shows(world.aws, 'stopped');
      expect(await fails()).toMatchObject({ body: { verdict, reason } });
    },
  );

  it('2 edge of settle - given a start 60 s and the skew margin ago, a stale heartbeat and a first stopped probe; when the second one says stopped too; then dead', async () => {
    hold(suspected({ settleUntilMs: NOW_MS - 5001 }));
    ec2Shows(world.aws, 'stopped');
    expect((await secondLook()).receipt).toMatchObject({ verdict: 'dead', reason: 'stopped' });
    expect(claims()).toBe(1);
  });

  it('3 restart in flight - given an open claim; when 5 forwards fail; then busy each, no probe, no second claim', async () => {
    hold(aStoredWorkspace({ claim: aClaim() }));
    for (let i = 0; i < 5; i++)
      expect(await fails()).toMatchObject({ body: { verdict: 'busy', reason: 'restarting' } });
    expect(probes()).toBe(0);
    expect(claims()).toBe(0);
  });

  it('4 transport flake - given a stale heartbeat, probes stopped then running 2 s later; when a forward fails with eof; then alive, exactly 2 probes, no offline event', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    expect(await fails('eof')).toMatchObject({ body: { verdict: 'pending' } });
    hold(suspected());
    ec2Shows(world.aws, 'running');
    expect((await secondLook('eof')).receipt).toMatchObject({ verdict: 'alive', reason: 'running' });
    expect(probes()).toBe(2);
    expect(news()).not.toContain('workspace.offline');
    expect(claims()).toBe(0);
  });

  it.each(['RequestLimitExceeded', 'TimeoutError', 'InternalError'])(
    '5 a single stopped probe never kills - given one; when the re-probe cannot be made (%s); then not dead, no restart',
    async (name) => {
      hold(suspected());
      world.aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name }));
      const { receipt } = await secondLook();
      expect(receipt?.verdict).not.toBe('dead');
      expect(claims()).toBe(0);
      expect(sent('restart')).toBe(0);
    },
  );

  it('6 a recent heartbeat is always busy - given beats every few seconds and a probe that always says stopped; when 20 forwards fail over 60 s; then 20 x 202, no restart', async () => {
    for (let i = 0; i < 20; i++) {
      hold(aStoredWorkspace(beat((i % 4) * 1000)));
      ec2Shows(world.aws, 'stopped');
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
    '7 heartbeat age edge - given a beat %i ms old, outside the settle window; when a forward fails and the probe says stopped; then %s',
    async (ageMs, verdict) => {
      hold(aStoredWorkspace(beat(ageMs)));
      ec2Shows(world.aws, 'stopped');
      expect(await fails()).toMatchObject({ body: { verdict } });
    },
  );

  it('7 heartbeat age edge - given a beat that is stale by more than the skew margin and a first stopped probe; when the second one says stopped too; then dead', async () => {
    hold(suspected(beat(20_100)));
    ec2Shows(world.aws, 'stopped');
    expect((await secondLook()).receipt).toMatchObject({ verdict: 'dead' });
    expect(claims()).toBe(1);
  });

  it.each([
    ['was never heard of', neverHeardOf],
    ['has been silent for long', aStoredWorkspace()],
  ])(
    '8 truly dead - given an agent that %s; when a forward fails, its caller waits, and both probes say stopped; then one 503 restarting with Retry-After, one offline event, one restart',
    async (_what, workspace) => {
      memoryTable(world.aws, () => world.ports.clock.nowMs()).put(itemOf(workspace));
      ec2Shows(world.aws, 'stopped');
      const answer = await failsAndWaits();
      expect(answer).toMatchObject({ status: 503, body: { verdict: 'dead', restarting: true } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(probes()).toBe(2);
      expect(news().filter((type) => type === 'workspace.offline')).toHaveLength(1);
      expect(sent('restart')).toBe(1);
      expect(claims()).toBe(1);
    },
  );

  it('9 probe error - given that EC2 throttles or fails; when 100 forwards fail; then no restart at all', async () => {
    hold(aStoredWorkspace());
    for (let i = 0; i < 100; i++) {
      const name = i % 2 === 0 ? 'RequestLimitExceeded' : 'InternalError';
      world.aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name }));
      await fails('refused', { request: { ...aRequest, id: `r-${i}` } });
    }
    expect(claims()).toBe(0);
    expect(sent('restart')).toBe(0);
  });

  it('10 pending - given a just launched instance that nobody announced; when a forward fails; then not dead, and no sighting is written', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'pending', { launchTimeMs: NOW_MS - 90_000 });
    expect(await fails()).toMatchObject({ status: 202, body: { verdict: 'busy', reason: 'booting' } });
    ec2Shows(world.aws, 'pending', { launchTimeMs: NOW_MS - 1000 });
    expect(await fails('refused', { request: { ...aRequest, id: 'r-2' } })).toMatchObject({
      body: { reason: 'settling' },
    });
    expect(changes()).toBe(0);
  });

  it.each([{ instanceId: 'i-0fffffffffffffff0' }, { generation: 2 }])(
    '11 instance changed between the looks - given a first look at another one (%o); when the re-probe comes; then no dead verdict for the old one, and no restart',
    async (changes) => {
      hold(suspected());
      ec2Shows(world.aws, 'stopped');
      expect((await secondLook('refused', changes)).receipt).toMatchObject({
        verdict: 'busy',
        reason: 'workspace-changed',
      });
      expect(claims()).toBe(0);
    },
  );

  it.each([
    ['park', 202, 1],
    ['refuse', 409, 0],
  ] as const)(
    '12 a workspace that Defib may not restart - given one wanted stopped, and a policy that says %s; when a forward fails; then %i, no probe, %i parked, no restart',
    async (whenPaused, status, parked) => {
      hold(aStoredWorkspace({ desired: 'stopped', settings: { whenPaused } }));
      expect(await fails()).toMatchObject({ status, body: { reason: 'paused' } });
      expect(probes()).toBe(0);
      expect(sent('parked')).toBe(parked);
      expect(changes()).toBe(0);
      expect(sent('restart')).toBe(0);
    },
  );

  it('13 paused - given an operator who has hibernated a workspace and its box; when something forwards through a stale address; then nothing changes, no restart, no offline event', async () => {
    hold(aStoredWorkspace({ pause: { by: 'role/op', reason: 'hibernated' } }));
    ec2Shows(world.aws, 'stopped');
    expect(await fails()).toMatchObject({ body: { reason: 'paused' } });
    expect(news()).not.toContain('workspace.offline');
    expect(changes()).toBe(0);
  });

  it('14 the claim lost the race - given a workspace that is removed between the second look and the claim; when the re-probe claims; then no event and no restart', async () => {
    hold(suspected());
    ec2Shows(world.aws, 'stopped');
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET claim =')) return {};
      throw conditionFailed();
    });
    expect((await secondLook()).receipt).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    expect(news()).not.toContain('workspace.offline');
    expect(sent('restart')).toBe(0);
  });

  it("15 upstream 502 with a busy verdict - given a fresh heartbeat; when a forward ends in a 502; then 202, on the caller's path as for a transport error", async () => {
    for (const kind of ['upstream', 'refused'] as const) {
      hold(aStoredWorkspace(beat(700)));
      ec2Shows(world.aws, 'stopped');
      expect(await fails(kind, { request: { ...aRequest, id: kind } })).toMatchObject({
        status: 202,
        body: { verdict: 'busy' },
      });
    }
  });

  it("15 upstream 502 with a busy verdict - given a fresh heartbeat; when a delivery ends in a 502; then the request stays parked, on deliver's path as on the caller's", async () => {
    hold(aStoredWorkspace(beat(700)), [rowItem()]);
    ec2Shows(world.aws, 'stopped');
    const ports = portsOver(world.aws, () => answered(502));
    const settled = await handleDeliveries([received(aMessage())], ports);
    expect(settled.get('message-1')).toMatchObject({ kind: 'again' });
    // Deliver saw a stopped box, and left the verdict to who may make it.
    expect((await secondLook('upstream')).receipt).toMatchObject({
      verdict: 'busy',
      reason: 'heartbeat-fresh',
    });
    expect(sent('restart')).toBe(0);
  });

  it("16 the agent's own 503 with the box running - given a proxy that reports it; when the probe says running; then 502 that names the 503, after one probe, no restart", async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    expect(await fails('upstream', { error: { kind: 'upstream', status: 503 } })).toMatchObject({
      status: 502,
      body: { code: 'upstream-error', upstreamStatus: 503 },
    });
    expect(probes()).toBe(1);
    expect(claims()).toBe(0);
  });

  it.each(['refused', 'eof', 'reset'] as const)(
    '17, 18 an agent that restarts by itself - given a box that runs; when a forward fails with %s; then a retryable 503 agent-restarting, not queued, no restart',
    async (kind) => {
      hold(aStoredWorkspace());
      ec2Shows(world.aws, 'running');
      expect(await fails(kind)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
        body: { code: 'agent-restarting' },
      });
      expect(sent('parked')).toBe(0);
      expect(world.aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(0);
    },
  );

  it('19 deadline on a slow live agent - given a fresh heartbeat and a box that runs; when a forward runs out of time; then 202 queued', async () => {
    hold(aStoredWorkspace(beat(3000)));
    ec2Shows(world.aws, 'running');
    expect(await fails('deadline')).toMatchObject({ status: 202, body: { code: 'upstream-busy' } });
    expect(sent('parked')).toBe(1);
  });
});
