/**
 * What a predecessor met in production while restarting, told as given / when / then and played through the use cases,
 * over mocked AWS clients. Where a story speaks of things that Defib has not got, its nearest meaning is tested, and
 * the comment says so.
 */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { claimed, evidenceOf, INSTANCE, LAUNCHED_MS, open, started } from '../lambdas/claimed.ts';
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
import { conditionFailed } from '../lambdas/refused-writes.ts';
import { play } from '../lambdas/restart-world.ts';

const world = oneWorkspace();
const {
  hold,
  fails,
  reprobes,
  restarts,
  beats,
  orders,
  writesFind,
  probes,
  updates,
  acts,
  starts,
  stops,
  news,
  counted,
  ec2Refuses,
} = world;
const sent = (queue: keyof typeof QUEUE) => world.sent(queue).length;

describe('restart scenarios', () => {
  it('40 four probes, one restart - given one change that was announced, and 4 reports while the instance is pending; then no second restart beside the one that runs', async () => {
    // A "secret write" is an announced change here: it opens the settle window, and restarts nothing by itself.
    hold(claimed(open(started), { settleUntilMs: NOW_MS + 40_000 }));
    ec2Shows(world.aws, 'pending');
    for (let i = 0; i < 4; i++) expect(await fails()).toMatchObject({ status: 202 });
    expect(probes()).toBe(0);
    await restarts(open(started));
    expect(acts()).toBe(0);
  });

  it('41 lost wake-up - given a report that comes at the very moment in which the claim ends; then it is judged anew or parked, never lost', async () => {
    // There is no runner that could find nothing pending: each report has a receipt, a row and a message of its own.
    const { claim: _ended, ...ended } = claimed(open());
    hold({ ...ended, settleUntilMs: NOW_MS + 60_000 });
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'settling' } });
    expect(sent('parked')).toBe(1);
  });

  it('42 two changes in 5 s - then the later window holds: neither is dropped', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 55_000 }));
    await orders('POST /workspaces/{workspaceId}/settle', { reason: 'second secret' });
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
      ':until': NOW_MS + 60_000,
      ':because': 'second secret',
    });
  });

  it('43 burst - given 50 callers at once on one dead workspace; then one claim, one Start', async () => {
    const end = await play({ dies: 'stopped', callers: 50 });
    expect(end.acts).toMatchObject({ starts: 1, stops: 0 });
    expect(end.news.filter((type) => type === 'workspace.offline')).toHaveLength(1);
  });

  it('44 a cycle crashes - then the workspace does not stay as it was: the next receive goes on', async () => {
    const end = await play({ dies: 'stopped', crashAfter: 12 });
    expect(end).toMatchObject({ state: 'running', boot: 'boot-b', claim: undefined });
  });

  it("45 manual and automatic at once - given an operator's order and a dead verdict; then one claim wins, the other is told", async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
    writesFind(claimed(open()));
    expect(await orders('POST /workspaces/{workspaceId}/restart', { reason: 'please' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    expect(sent('restart')).toBe(0);
  });

  it('46 two replicas, one dead box - given two invocations that share no memory; then one restart', async () => {
    const end = await play({ dies: 'stopped', copies: 2 });
    expect(end.acts).toMatchObject({ effectiveStarts: 1, stops: 0 });
  });

  it('47 deploy in the middle - given a control plane that is new since the restart began; then window and claim still hold, for they are in the table', async () => {
    hold(claimed(open(started), { settleUntilMs: NOW_MS + 40_000 }));
    world.ports = { ...world.ports, ...portsOver(world.aws) };
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'restarting' } });
    expect(sent('reprobe') + sent('restart')).toBe(0);
  });

  it('48 Stop fails - then it is not tried again by this claim, it is told, and nothing is left half stopped', async () => {
    // Nothing leaks: Defib creates no instance, so there is none to terminate later.
    hold(claimed(open({ kind: 'operator' })));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    ec2Refuses('stop', 'OperationNotPermitted');
    expect(await restarts(open({ kind: 'operator' }))).toEqual({ kind: 'done' });
    expect(stops()).toBe(1);
    expect(news()).toEqual(['restart.failed']);
  });

  it('49 what the instance needs is not available - given a Start that EC2 refuses for good; then it was never stopped, and it is told', async () => {
    hold(claimed(open()));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Refuses('start', 'UnsupportedOperation');
    await restarts(open());
    expect(stops()).toBe(0);
    expect(news()).toEqual(['restart.failed', 'workspace.quarantined']);
  });

  it('50 the old box still beats - given the Start made and one more beat of the boot before; then the beat is refused, and the claim does not end by it', async () => {
    hold(claimed(open(started)));
    writesFind(claimed(open(started)));
    expect(await beats('boot-a', 42)).toMatchObject({ status: 409, body: { why: 'retired-boot' } });
    world.aws.dynamo.on(UpdateCommand).resolves({});
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await restarts(open(started))).toMatchObject({ kind: 'again' });
    expect(news()).toEqual([]);
  });

  it('51 a late beat of a removed workspace - ignored', async () => {
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    expect(await beats('boot-a', 42)).toMatchObject({ status: 404 });
  });

  it('52 slow boot - given an agent that needs longer than any cadence; then it is not restarted while it boots, it is reported in the end, and its late first beat makes it whole', async () => {
    const slow = open({ ...started, startedAtMs: NOW_MS - 840_000, deadlineMs: NOW_MS + 60_000 });
    hold(claimed(slow));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 840_000 });
    expect(await restarts(slow)).toMatchObject({ kind: 'again' });
    const late = { ...slow, deadlineMs: NOW_MS };
    hold(claimed(late));
    expect(await restarts(late)).toEqual({ kind: 'done' });
    expect(counted()).toContain('WorkspaceMute');
    expect(acts()).toBe(0);
    const { claim: _ended, retiredBootId: _retired, ...failed } = claimed(late);
    let tries = 0;
    world.aws.dynamo.on(UpdateCommand).callsFake(() => {
      tries += 1;
      if (tries > 1) return { Attributes: itemOf(failed) };
      throw conditionFailed(itemOf(failed));
    });
    expect(await beats('boot-b', 1)).toMatchObject({ status: 204 });
  });

  it('53 paused - given a workspace that an operator paused; then no restart, and an order gets 409', async () => {
    // Defib knows no ancestors: the pause is the workspace's own.
    const pause = { by: 'role/operator', reason: 'look' };
    hold(aStoredWorkspace({ pause }));
    ec2Shows(world.aws, 'stopped');
    expect(await orders('POST /workspaces/{workspaceId}/restart', { reason: 'now' })).toMatchObject({
      status: 409,
      body: { code: 'paused' },
    });
    expect(await fails()).toMatchObject({ body: { reason: 'paused' } });
    expect(acts() + sent('restart') + sent('reprobe')).toBe(0);
  });

  it('54 ten messages to a stopped box - then one restart, 10 x 202, none is lost', async () => {
    // A hibernated box is a stopped one here; the restart is its wake.
    hold(claimed(open()));
    for (let i = 0; i < 10; i++) {
      const answer = await fails('refused', { id: `r-${i}` });
      expect(answer).toMatchObject({ status: 202, body: { reason: 'restarting' } });
    }
    expect(sent('parked')).toBe(10);
    expect(sent('restart')).toBe(0);
  });

  it('55 the sign of life is gone - given a workspace without any heartbeat; then a later beat is taken, and it is watched again', async () => {
    const { heartbeat: _gone, ...bare } = aStoredWorkspace({ freshUntilMs: 0 });
    let tries = 0;
    world.aws.dynamo.on(UpdateCommand).callsFake((input: object) => {
      tries += 1;
      if (tries > 1) return { Attributes: itemOf(bare), input };
      throw conditionFailed(itemOf(bare));
    });
    expect(await beats('boot-a', 1)).toMatchObject({ status: 204 });
    expect(updates()[1]?.ExpressionAttributeValues).toMatchObject({
      ':beat': { bootId: 'boot-a', seq: 1 },
      ':freshUntil': NOW_MS + 15_000,
    });
  });

  it('56 three missed beats of a busy agent - then no restart: it runs, so its silence alone says nothing', async () => {
    const heartbeat = {
      atMs: NOW_MS - 20_000,
      seq: 41,
      bootId: 'boot-a',
      intervalMs: 5000,
      declaresInterval: true,
      activeTasks: 1,
    };
    hold(aStoredWorkspace({ heartbeat, freshUntilMs: NOW_MS - 5000 }));
    ec2Shows(world.aws, 'running');
    expect(await fails('deadline')).toMatchObject({
      status: 202,
      body: { verdict: 'alive', code: 'upstream-busy' },
    });
    expect(sent('reprobe') + sent('restart')).toBe(0);
  });

  it('57 sweep and verdict at once - then one restart, and no workspace is left as alive on a dead instance', async () => {
    const end = await play({ dies: 'stopped', sweeps: 2, copies: 2 });
    expect(end).toMatchObject({
      acts: { effectiveStarts: 1, stops: 0 },
      state: 'running',
      claim: undefined,
      evidence: undefined,
    });
  });
});

describe('faults of a restart', () => {
  it('31 an explicit deny - stops trying, pages, and later verdicts are busy', async () => {
    const quarantine = { verdictId: aClaim().token, atMs: NOW_MS - 1, because: 'UnauthorizedOperation' };
    hold(aStoredWorkspace({ quarantine, evidence: evidenceOf() }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await reprobes();
    expect(sent('restart')).toBe(0);
  });

  it('67 a function frozen for ten minutes between look and act - its write names the claim as it was, and finds another: no act', async () => {
    hold(claimed(open()));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    writesFind(claimed(open(started)));
    await restarts(open());
    expect(acts()).toBe(0);
  });

  it('68 old and new code side by side - a claim at a step that this version does not know: nothing is judged, claimed or done (S32)', async () => {
    hold(claimed(open({ step: 'awaiting-oracle' as never })));
    ec2Shows(world.aws, 'stopped');
    expect(await restarts(open())).toEqual({ kind: 'again', afterSeconds: 30 });
    expect(await fails()).toMatchObject({
      status: 202,
      body: { verdict: 'busy', reason: 'facts-malformed' },
    });
    expect(acts() + sent('restart') + sent('reprobe')).toBe(0);
  });

  it('68 old and new code side by side - a workspace with fields that this version does not know: read, and restarted as ever', async () => {
    hold({ ...claimed(open()), fromTomorrow: { deep: true } } as Workspace);
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await restarts(open());
    expect(starts()).toBe(1);
  });

  it('68 an item as an older version wrote it, without any of the newer fields - restarted as ever', async () => {
    hold(claimed(open()));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await restarts(open());
    expect(starts()).toBe(1);
  });

  it('80 a stop that EC2 made (Spot, retirement, hibernation) - no person’s wish: restarted by the usual rules', async () => {
    world.aws.ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        {
          Instances: [
            {
              InstanceId: INSTANCE,
              State: { Name: 'stopped' },
              LaunchTime: new Date(LAUNCHED_MS),
              StateReason: { Code: 'Server.ScheduledStop' },
            },
          ],
        },
      ],
    });
    hold(claimed(open(), { settings: { respectManualStop: true } }));
    await restarts(open());
    expect(starts()).toBe(1);
  });
});
