/** The fault matrix, rows of looks, evidence, heartbeats and clocks: each a test of its own, by its number. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import type { AgentAnswer, AgentRequest } from '../../lambdas/ports/agents.ts';
import { aRequest, apiCall, forwardError, received } from '../lambdas/calls.ts';
import { aStoredWorkspace, ec2Shows, holds, itemOf, NOW_MS, TABLE } from '../lambdas/mocked-aws.ts';
import { aMessage, answered, endings, finds, rowItem, rowUpdates } from '../lambdas/parked.ts';
import { play } from '../lambdas/restart-world.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { claimed, evidenceOf, INSTANCE, LAUNCHED_MS, open, started, VERDICT } from '../lambdas/claimed.ts';
import { oneWorkspace } from '../lambdas/one-workspace.ts';

const world = oneWorkspace();

const busy = (reason: string) => ({ status: 202, body: { verdict: 'busy', reason } });
const nothingFollows = () => {
  expect(world.sent('reprobe')).toEqual([]);
  expect(world.sent('restart')).toEqual([]);
  expect(world.acts()).toBe(0);
};
const receipts = () =>
  world.aws.dynamo
    .commandCalls(PutCommand)
    .flatMap((call) => (call.args[0].input.Item?.['receipt'] as object | undefined) ?? []);

describe('fault rows: what EC2 says', () => {
  it('9 NotFound that lasts for more than ten minutes - no verdict of gone comes from absence: busy, reported, never acted on', async () => {
    const unclear = { sinceMs: NOW_MS - 601_000, lastMs: NOW_MS - 60_000, generation: 3 };
    const quiet = aStoredWorkspace({ heartbeat: { ...aBeat, atMs: NOW_MS - 3_600_000 } });
    holds(world.aws, quiet, [{ pk: 'WS#ws-1', sk: 'PROBE', unclear }]);
    world.aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await world.fails()).toMatchObject(busy('probe-inconclusive'));
    expect(world.ports.log.counted).toContain('WorkspaceStuck');
    nothingFollows();
    expect(world.news()).not.toContain('workspace.gone');
  });

  it('8 NotFound within five minutes of the launch - unknown, and parked', async () => {
    holds(world.aws, aStoredWorkspace({ settleUntilMs: NOW_MS - 1 }));
    world.aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'InvalidInstanceID.NotFound' }));
    expect(await world.fails()).toMatchObject(busy('probe-inconclusive'));
    nothingFollows();
    expect(world.news()).not.toContain('workspace.gone');
  });

  it('9 NotFound for less - busy, and since when is kept', async () => {
    holds(world.aws, aStoredWorkspace());
    world.aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'InvalidInstanceID.NotFound' }));
    expect(await world.fails()).toMatchObject(busy('probe-inconclusive'));
    expect(world.ports.log.counted).not.toContain('WorkspaceStuck');
    const [written] = world.aws.dynamo.commandCalls(TransactWriteCommand);
    expect(written?.args[0].input.TransactItems).toContainEqual({
      Update: expect.objectContaining({
        Key: { pk: 'WS#ws-1', sk: 'PROBE' },
        UpdateExpression: 'SET lastProbe = :probe, unclear = :unclear',
        ExpressionAttributeValues: expect.objectContaining({
          ':unclear': { sinceMs: NOW_MS, lastMs: NOW_MS, generation: 3 },
        }) as unknown,
      }) as unknown,
    });
  });

  it('10 pending - parked; and a launch that only the probe has seen opens a settle window of its own', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'pending', { launchTimeMs: LAUNCHED_MS });
    expect(await world.fails()).toMatchObject(busy('booting'));
    ec2Shows(world.aws, 'pending', { launchTimeMs: NOW_MS - 5000 });
    expect(await world.fails('refused', { id: 'r-2' })).toMatchObject(busy('settling'));
    nothingFollows();
  });

  it('11 stopping - parked, and a restart waits; then it is started', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'stopping');
    expect(await world.fails()).toMatchObject(busy('stopping'));
    holds(world.aws, claimed(open()));
    expect(await world.restarts(open())).toMatchObject({ kind: 'again' });
    nothingFollows();
    ec2Shows(world.aws, 'stopped');
    world.ec2Starts('stopped');
    await world.restarts(open());
    expect(world.acts()).toBe(1);
  });

  it('12 shutting-down, then terminated - busy, then gone by two sightings; never a Start', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'shutting-down');
    expect(await world.fails()).toMatchObject(busy('stopping'));
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
    ec2Shows(world.aws, 'terminated');
    await world.reprobes();
    expect(world.news()).toContain('workspace.gone');
    holds(world.aws, claimed(open()));
    await world.restarts(open());
    nothingFollows();
  });

  it('13 EC2 lags 30 s behind the truth - no Stop, and no Start that would have an effect beside the one', async () => {
    const end = await play({ dies: 'stopped', lagMs: 30_000 });
    expect(end.acts).toMatchObject({ effectiveStarts: 1, stops: 0 });
    expect(end).toMatchObject({ state: 'running', boot: 'boot-b', claim: undefined });
  });
});

const aBeat = { seq: 41, bootId: 'boot-a', intervalMs: 5000, declaresInterval: true, activeTasks: 0 };

describe('fault rows: two looks', () => {
  it('14 the message of the second look comes twice - one claim', async () => {
    const end = await play({ dies: 'stopped', copies: 2 });
    expect(end.acts.effectiveStarts).toBe(1);
    expect(end.news.filter((type) => type === 'workspace.offline')).not.toHaveLength(0);
    expect(end.claim).toBeUndefined();
  });

  it('15 the second look comes before the first is to be seen - it is a first one itself, and no act', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(world.updates().map((it): unknown => it.ExpressionAttributeValues?.[':evidence'])).toMatchObject([
      { verdictId: VERDICT, atMs: NOW_MS + 1000, round: 0 },
    ]);
    nothingFollows();
  });

  it('16 the second look comes 90 s late - the evidence has run out, and the chain begins anew', async () => {
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf({ atMs: NOW_MS - 90_000 }) }));
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(world.updates().map((it): unknown => it.ExpressionAttributeValues?.[':evidence'])).toMatchObject([
      { atMs: NOW_MS + 1000, round: 1 },
    ]);
    nothingFollows();
  });

  it('17 its message is lost though the sending was confirmed, or sent though an error was reported - the sweep asks again, or a duplicate does no harm', async () => {
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf({ atMs: NOW_MS - 15_000 }) }));
    await world.sweeps();
    expect(world.sent('reprobe')).toMatchObject([{ verdictId: VERDICT }]);
    // Sent, reported as failed, and the evidence removed: it finds nothing to confirm.
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toMatchObject({ kind: 'again' });
    expect(world.sent('restart')).toEqual([]);
    const end = await play({ dies: 'stopped', loses: 1 });
    expect(end.acts).toMatchObject({ effectiveStarts: 1, stops: 0 });
  });

  it('18 two chains cross - the second waits for the evidence that stands, and its claim fails by generation and window', async () => {
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf({ verdictId: '01KAANOTHERAAAAAAAAAAAAAAA' }) }));
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toEqual({ kind: 'again', afterSeconds: 5 });
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
    world.writesFind(claimed(open(), { settleUntilMs: NOW_MS + 60_000 }));
    await world.reprobes();
    expect(receipts().at(-1)).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    nothingFollows();
  });
});

describe('fault rows: beats and other signs', () => {
  it('19 a beat lands between the second look and the claim - the claim names boot and sequence, and fails (S3)', async () => {
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
    ec2Shows(world.aws, 'stopped');
    world.writesFind(
      aStoredWorkspace({ evidence: evidenceOf(), heartbeat: { ...aBeat, atMs: NOW_MS, seq: 42 } }),
    );
    await world.reprobes();
    const claim = world.updates().find((it) => it.UpdateExpression?.startsWith('SET claim ='));
    expect(claim?.ConditionExpression).toContain('heartbeat.bootId = :bootId AND heartbeat.seq = :seq');
    expect(receipts().at(-1)).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    nothingFollows();
  });

  it('35 EC2 says impaired, it runs and beats - alive: status checks are not even read', async () => {
    holds(world.aws, aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 }));
    ec2Shows(world.aws, 'running');
    expect(await world.fails('deadline')).toMatchObject({ status: 202, body: { verdict: 'alive' } });
    expect(world.aws.ec2.calls().map((call) => call.args[0].constructor.name)).toEqual([
      'DescribeInstancesCommand',
    ]);
  });

  it('36 impaired and no beats for minutes - silent by its rule when nobody listens, reported when somebody does', async () => {
    const silent = { ...aBeat, atMs: NOW_MS - 181_000 };
    holds(world.aws, aStoredWorkspace({ heartbeat: silent, freshUntilMs: NOW_MS - 166_000 }));
    ec2Shows(world.aws, 'running');
    expect(await world.fails('deadline')).toMatchObject({
      body: { verdict: 'alive', code: 'upstream-busy' },
    });
    expect(world.ports.log.counted).toContain('AgentMute');
    nothingFollows();
    expect(await world.fails('refused', { id: 'r-2' })).toMatchObject({ body: { verdict: 'pending' } });
    expect(world.sent('reprobe')).toHaveLength(1);
    expect(world.acts()).toBe(0);
  });

  it('37 a restart that takes longer than 60 s - the window counts from the start of the boot, so it still holds', async () => {
    const slow = open({ ...started, sinceMs: NOW_MS - 100_000 });
    const { claim: _ended, ...since } = claimed(slow, { settleUntilMs: NOW_MS + 40_000 });
    holds(world.aws, since);
    expect(await world.fails()).toMatchObject(busy('settling'));
    expect(world.probes()).toBe(0);
  });

  it('38 an operator restarts at the same moment - the new generation voids the chain', async () => {
    const order = open({ kind: 'operator', token: '01KANORDERAAAAAAAAAAAAAAAA' });
    holds(world.aws, claimed(order));
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toEqual({ kind: 'done' });
    expect(receipts().at(-1)).toMatchObject({ verdict: 'busy', reason: 'workspace-changed' });
    nothingFollows();
  });

  it('39 an operator wants it stopped - no look, no act, and a claim that is open is cancelled (S12)', async () => {
    holds(world.aws, aStoredWorkspace({ desired: 'stopped' }));
    expect(await world.fails()).toMatchObject(busy('paused'));
    expect(world.probes()).toBe(0);
    holds(world.aws, claimed(open(), { desired: 'stopped' }));
    ec2Shows(world.aws, 'stopped');
    expect(await world.restarts(open())).toEqual({ kind: 'done' });
    expect(world.news()).toContain('restart.failed');
    nothingFollows();
  });

  it('40 a config PUT or a deploy restarts the agent - it announces that, and failures meanwhile are parked', async () => {
    holds(world.aws, aStoredWorkspace());
    await world.orders('POST /workspaces/{workspaceId}/settle', { reason: 'deploy', seconds: 90 });
    expect(world.updates().at(-1)?.ExpressionAttributeValues).toMatchObject({ ':until': NOW_MS + 90_000 });
    holds(world.aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 90_000, settleBecause: 'deploy' }));
    expect(await world.fails()).toMatchObject(busy('settling'));
    nothingFollows();
  });

  it('41 the instance is replaced while a look waits in the queue - it speaks of another one, and changes nothing (S6)', async () => {
    holds(
      world.aws,
      aStoredWorkspace({ instanceId: 'i-0fedcba9876543210', generation: 4, evidence: evidenceOf() }),
    );
    expect(await world.reprobes()).toEqual({ kind: 'done' });
    expect(receipts().at(-1)).toMatchObject({ verdict: 'busy', reason: 'workspace-changed' });
    expect(world.probes()).toBe(0);
    nothingFollows();
  });

  it('47 beats come 40 s late - what runs is alive; and with a stale look too, the sequence voids the claim', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    expect(await world.fails()).toMatchObject({ body: { verdict: 'alive' } });
    // Forty seconds late, and taken all the same: it is a later one of the same boot.
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
    world.aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(aStoredWorkspace()) });
    expect(await world.beats('boot-a', 42, NOW_MS)).toMatchObject({ status: 204 });
    holds(
      world.aws,
      aStoredWorkspace({
        evidence: evidenceOf(),
        heartbeat: { ...aBeat, atMs: NOW_MS - 20_000, seq: 42 },
        freshUntilMs: NOW_MS - 6000,
      }),
    );
    ec2Shows(world.aws, 'stopped');
    expect(await world.reprobes()).toMatchObject({ kind: 'again' });
    nothingFollows();
  });
});

describe('fault rows: clocks', () => {
  /** The function's own clock is off; the gateway's and the database's are right. */
  const clockIsOff = (byMs: number) =>
    handleForwardError(
      forwardError(
        { error: { kind: 'refused' }, request: aRequest },
        { now: { earliestMs: Math.min(NOW_MS, NOW_MS + byMs), latestMs: Math.max(NOW_MS, NOW_MS + byMs) } },
      ),
      { ...world.ports, clock: { ...world.ports.clock, nowMs: () => NOW_MS + byMs } },
    );

  it('44 a sandbox five minutes ahead - everything would look stale to it: it says busy and looks at nothing (S16)', async () => {
    holds(world.aws, aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 }));
    ec2Shows(world.aws, 'stopped');
    expect(await clockIsOff(300_000)).toMatchObject(busy('clock-unsure'));
    nothingFollows();
  });

  it('45 a sandbox five minutes behind, thawed - everything would look fresh to it: busy as well', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    expect(await clockIsOff(-300_000)).toMatchObject(busy('clock-unsure'));
    nothingFollows();
  });

  it("46 the agent's clock is wrong - a beat carries no time that would count: the gateway's is taken", async () => {
    const call = (body: object) =>
      apiCall('POST /workspaces/{workspaceId}/heartbeats', body, {
        caller: { principal: 'role/agent', session: INSTANCE },
        gatewayTimeMs: NOW_MS,
      });
    await expect(
      handleHeartbeat(call({ bootId: 'boot-a', seq: 42, at: '2031-01-01T00:00:00Z' }), world.ports),
    ).rejects.toThrow();
    world.aws.dynamo.resetHistory();
    await handleHeartbeat(call({ bootId: 'boot-a', seq: 42 }), world.ports);
    expect(JSON.stringify(world.updates()[0]?.ExpressionAttributeValues)).toContain(String(NOW_MS));
  });
});

describe('fault rows: stores and callers', () => {
  it('71 a stale read is served - it cannot be on the way to an act: every read there is strongly consistent', async () => {
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
    ec2Shows(world.aws, 'stopped');
    await world.fails();
    await world.reprobes();
    holds(world.aws, claimed(open({ step: 'awaiting-admission' })));
    await world.restarts(open());
    holds(world.aws, claimed(open()));
    await world.restarts(open());
    const gets = world.aws.dynamo.commandCalls(GetCommand).map((call) => call.args[0].input);
    const safe = gets.filter(({ Key }) => Key?.['sk'] !== 'SIZE');
    expect(safe.length).toBeGreaterThan(3);
    for (const { Key, ConsistentRead } of safe)
      expect({ Key, ConsistentRead }).toEqual({ Key, ConsistentRead: true });
    const batches = world.aws.dynamo.commandCalls(BatchGetCommand).map((call) => call.args[0].input);
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(batch.RequestItems?.[TABLE]?.ConsistentRead).toBe(true);
  });

  it('81 the gateway gave up with 504, though the function goes on - a repeat with the same key meets the same verdict', async () => {
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    const first = await world.fails();
    const kept = world.aws.dynamo
      .commandCalls(TransactWriteCommand)
      .flatMap((call) => call.args[0].input.TransactItems ?? [])
      .flatMap((item): Record<string, unknown>[] => (item.Put?.Item ? [item.Put.Item] : []));
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }), kept);
    const sentBefore = world.sent('reprobe').length;
    expect((await world.fails()).body?.['verdictId']).toBe(first.body?.['verdictId']);
    expect(world.sent('reprobe')).toHaveLength(sentBefore);
  });

  it.each(['stopped', 'running'])(
    '82 only proxy and workspace are parted, and the agent beats - never dead, even where EC2 says %s',
    async (state) => {
      holds(world.aws, aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000, evidence: evidenceOf() }));
      ec2Shows(world.aws, state);
      const answer = await world.fails('unreachable');
      expect(['alive', 'busy']).toContain(answer.body?.['verdict']);
      await world.reprobes();
      nothingFollows();
    },
  );

  it('83 requests arrive and answers do not - never dead; a second copy carries the same key, or is not sent where the caller refuses it', async () => {
    holds(world.aws, aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 }));
    ec2Shows(world.aws, 'running');
    expect(await world.fails('deadline')).toMatchObject({ status: 202, body: { verdict: 'alive' } });
    expect(world.sent('parked')).toMatchObject([{ idempotencyKey: expect.any(String) as unknown }]);
    const careful = await world.fails('deadline', { id: 'r-2', onAmbiguous: 'refuse' });
    expect(careful.status).toBe(503);
    expect(world.sent('parked')).toHaveLength(1);
    nothingFollows();
  });

  it('48 heartbeats are throttled fleet-wide - a beat that is not written fails loudly, and by itself condemns nobody', async () => {
    const throttled = Object.assign(new Error(), { name: 'ProvisionedThroughputExceededException' });
    world.aws.dynamo.reset();
    world.aws.dynamo.rejects(throttled);
    await expect(world.beats('boot-a', 42)).rejects.toThrow(throttled);
    world.begin();
    holds(world.aws, aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    expect(await world.fails()).toMatchObject({ body: { verdict: 'alive' } });
    nothingFollows();
  });
});

describe('fault rows: addresses', () => {
  /** One delivery of what is parked; gives whom it went to. */
  const delivers = async (privateIp: string, answer: AgentAnswer) => {
    const asked: AgentRequest[] = [];
    const ports = {
      ...world.ports,
      agents: {
        send: (request: AgentRequest) => {
          asked.push(request);
          return Promise.resolve(answer);
        },
      },
    };
    finds(world.aws, {});
    ec2Shows(world.aws, 'running', { privateIp });
    holds(world.aws, aStoredWorkspace(), [rowItem({})]);
    const settled = (await handleDeliveries([received(aMessage())], ports)).get('message-1');
    return { addresses: asked.map(({ address }) => address), settled };
  };

  it('42 a stop and start moved the instance to another address while requests wait - each attempt goes where EC2 says the instance is now', async () => {
    expect((await delivers('10.0.1.5', answered(503))).addresses).toEqual(['10.0.1.5']);
    expect((await delivers('10.0.7.9', answered(200))).addresses).toEqual(['10.0.7.9']);
    expect(endings(world.aws)).toMatchObject([{ state: 'delivered' }]);
  });

  it('43 a stranger answers at the old address - nothing of the request was sent, and it waits on without a failure of the agent', async () => {
    const { settled } = await delivers('10.0.1.5', { kind: 'stranger' });
    expect(settled).toMatchObject({ kind: 'again' });
    expect(endings(world.aws)).toEqual([]);
    expect(rowUpdates(world.aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues).toMatchObject({
      ':why': 'stranger',
    });
  });
});
