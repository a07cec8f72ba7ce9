/**
 * What a predecessor met in production while restarting, told as given / when / then and played through the use cases,
 * over mocked AWS clients. Where a story speaks of things that Defib has not got, its nearest meaning is tested, and
 * the comment says so.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { aRequest, apiCall, forwardError, received } from '../lambdas/calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  holds,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
  TABLE,
} from '../lambdas/mocked-aws.ts';
import { play } from '../lambdas/restart-world.ts';

const INSTANCE = 'i-0123456789abcdef0';
const LAUNCHED_MS = NOW_MS - 7_200_000;
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver> & Parameters<typeof handleOperate>[1];
beforeEach(() => {
  aws = mockedAws();
  ports = {
    ...portsOver(aws),
    registry: registry(openTable(TABLE)),
    workspaceTag: { Key: 'defib:workspace', Value: 'true' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
});

const fails = () =>
  handleForwardError(forwardError({ error: { kind: 'refused' }, request: aRequest }), ports);
const restartStep = async (claim: Claim) =>
  (
    await handleRestarts(
      [
        received({
          v: 1,
          kind: 'restart',
          workspaceId: 'ws-1',
          instanceId: INSTANCE,
          generation: 4,
          epoch: claim.epoch,
          token: claim.token,
        }),
      ],
      ports,
    )
  ).get('message-1');
const beats = (bootId: string, seq: number, atMs = NOW_MS) =>
  handleHeartbeat(
    apiCall(
      'POST /workspaces/{workspaceId}/heartbeats',
      { bootId, seq },
      { caller: { principal: 'role/agent', session: INSTANCE }, gatewayTimeMs: atMs },
    ),
    ports,
  );
const orders = (route: string, body: object) =>
  handleOperate(
    apiCall(route, body, { caller: { principal: 'role/operator', roleName: 'operator', session: 's' } }),
    ports,
  );
/** Every conditional write finds the workspace as it is given, and not as it was read. */
const writesFind = (found: Workspace) =>
  aws.dynamo.on(UpdateCommand).callsFake(() => {
    throw new ConditionalCheckFailedException({
      message: 'no',
      $metadata: {},
      Item: marshall(itemOf(found), { removeUndefinedValues: true }),
    });
  });
const probes = () => aws.ec2.commandCalls(DescribeInstancesCommand).length;
const acts = () =>
  aws.ec2.commandCalls(StartInstancesCommand).length + aws.ec2.commandCalls(StopInstancesCommand).length;
const sent = (queue: keyof typeof QUEUE) =>
  aws.sqs.commandCalls(SendMessageCommand).filter((call) => call.args[0].input.QueueUrl === QUEUE[queue])
    .length;
const news = () =>
  aws.bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries?.[0]?.DetailType);
const open = (changes: Partial<Claim> = {}): Claim => ({
  ...aClaim(),
  launchTimeMs: LAUNCHED_MS,
  bootId: 'boot-a',
  ...changes,
});
const claimed = (claim: Claim, changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ generation: 4, retiredBootId: 'boot-a', claim, ...changes });
const started: Partial<Claim> = {
  step: 'starting',
  attempt: 1,
  starts: 1,
  startedAtMs: NOW_MS - 20_000,
};

describe('restart scenarios', () => {
  it('40 four probes, one restart - given one change that was announced, and 4 reports while the instance is pending; then no second restart beside the one that runs', async () => {
    // A "secret write" is an announced change here: it opens the settle window, and restarts nothing by itself.
    holds(aws, claimed(open(started), { settleUntilMs: NOW_MS + 40_000 }));
    ec2Shows(aws, 'pending');
    for (let i = 0; i < 4; i++) expect(await fails()).toMatchObject({ status: 202 });
    expect(probes()).toBe(0);
    await restartStep(open(started));
    expect(acts()).toBe(0);
  });

  it('41 lost wake-up - given a report that comes at the very moment in which the claim ends; then it is judged anew or parked, never lost', async () => {
    // There is no runner that could find nothing pending: each report has a receipt, a row and a message of its own.
    const { claim: _ended, ...ended } = claimed(open());
    holds(aws, { ...ended, settleUntilMs: NOW_MS + 60_000 });
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'settling' } });
    expect(sent('parked')).toBe(1);
  });

  it('42 two changes in 5 s - then the later window holds: neither is dropped', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 55_000 }));
    await orders('POST /workspaces/{workspaceId}/settle', { reason: 'second secret' });
    expect(aws.dynamo.commandCalls(UpdateCommand)[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({
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
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'stopped');
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
    holds(aws, claimed(open(started), { settleUntilMs: NOW_MS + 40_000 }));
    ports = { ...ports, ...portsOver(aws), registry: ports.registry };
    expect(await fails()).toMatchObject({ status: 202, body: { reason: 'restarting' } });
    expect(sent('reprobe') + sent('restart')).toBe(0);
  });

  it('48 Stop fails - then it is not tried again by this claim, it is told, and nothing is left half stopped', async () => {
    // Nothing leaks: Defib creates no instance, so there is none to terminate later.
    holds(aws, claimed(open({ kind: 'operator' })));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StopInstancesCommand).rejects(Object.assign(new Error(), { name: 'OperationNotPermitted' }));
    expect(await restartStep(open({ kind: 'operator' }))).toEqual({ kind: 'done' });
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(1);
    expect(news()).toEqual(['restart.failed']);
  });

  it('49 what the instance needs is not available - given a Start that EC2 refuses for good; then it was never stopped, and it is told', async () => {
    holds(aws, claimed(open()));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name: 'UnsupportedOperation' }));
    await restartStep(open());
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(0);
    expect(news()).toEqual(['restart.failed', 'workspace.quarantined']);
  });

  it('50 the old box still beats - given the Start made and one more beat of the boot before; then the beat is refused, and the claim does not end by it', async () => {
    holds(aws, claimed(open(started)));
    writesFind(claimed(open(started)));
    expect(await beats('boot-a', 42)).toMatchObject({ status: 409, body: { why: 'retired-boot' } });
    aws.dynamo.on(UpdateCommand).resolves({});
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await restartStep(open(started))).toMatchObject({ kind: 'again' });
    expect(news()).toEqual([]);
  });

  it('51 a late beat of a removed workspace - ignored', async () => {
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    expect(await beats('boot-a', 42)).toMatchObject({ status: 404 });
  });

  it('52 slow boot - given an agent that needs longer than any cadence; then it is not restarted while it boots, it is reported in the end, and its late first beat makes it whole', async () => {
    const slow = open({ ...started, startedAtMs: NOW_MS - 840_000, deadlineMs: NOW_MS + 60_000 });
    holds(aws, claimed(slow));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 840_000 });
    expect(await restartStep(slow)).toMatchObject({ kind: 'again' });
    const late = { ...slow, deadlineMs: NOW_MS };
    holds(aws, claimed(late));
    expect(await restartStep(late)).toEqual({ kind: 'done' });
    expect(ports.log.counted).toContain('WorkspaceMute');
    expect(acts()).toBe(0);
    const { claim: _ended, retiredBootId: _retired, ...failed } = claimed(late);
    let tries = 0;
    aws.dynamo.on(UpdateCommand).callsFake(() => {
      tries += 1;
      if (tries > 1) return { Attributes: itemOf(failed) };
      throw new ConditionalCheckFailedException({
        message: 'no',
        $metadata: {},
        Item: marshall(itemOf(failed), { removeUndefinedValues: true }),
      });
    });
    expect(await beats('boot-b', 1)).toMatchObject({ status: 204 });
  });

  it('53 paused - given a workspace that an operator paused; then no restart, and an order gets 409', async () => {
    // Defib knows no ancestors: the pause is the workspace's own.
    const pause = { by: 'role/operator', reason: 'look' };
    holds(aws, aStoredWorkspace({ pause }));
    ec2Shows(aws, 'stopped');
    expect(await orders('POST /workspaces/{workspaceId}/restart', { reason: 'now' })).toMatchObject({
      status: 409,
      body: { code: 'paused' },
    });
    expect(await fails()).toMatchObject({ body: { reason: 'paused' } });
    expect(acts() + sent('restart') + sent('reprobe')).toBe(0);
  });

  it('54 ten messages to a stopped box - then one restart, 10 x 202, none is lost', async () => {
    // A hibernated box is a stopped one here; the restart is its wake.
    holds(aws, claimed(open()));
    for (let i = 0; i < 10; i++) {
      const answer = await handleForwardError(
        forwardError({ error: { kind: 'refused' }, request: { ...aRequest, id: `r-${i}` } }),
        ports,
      );
      expect(answer).toMatchObject({ status: 202, body: { reason: 'restarting' } });
    }
    expect(sent('parked')).toBe(10);
    expect(sent('restart')).toBe(0);
  });

  it('55 the sign of life is gone - given a workspace without any heartbeat; then a later beat is taken, and it is watched again', async () => {
    const { heartbeat: _gone, ...bare } = aStoredWorkspace({ freshUntilMs: 0 });
    let tries = 0;
    aws.dynamo.on(UpdateCommand).callsFake((input: object) => {
      tries += 1;
      if (tries > 1) return { Attributes: itemOf(bare), input };
      throw new ConditionalCheckFailedException({
        message: 'no',
        $metadata: {},
        Item: marshall(itemOf(bare), { removeUndefinedValues: true }),
      });
    });
    expect(await beats('boot-a', 1)).toMatchObject({ status: 204 });
    expect(aws.dynamo.commandCalls(UpdateCommand)[1]?.args[0].input.ExpressionAttributeValues).toMatchObject({
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
    holds(aws, aStoredWorkspace({ heartbeat, freshUntilMs: NOW_MS - 5000 }));
    ec2Shows(aws, 'running');
    expect(
      await handleForwardError(forwardError({ error: { kind: 'deadline' }, request: aRequest }), ports),
    ).toMatchObject({ status: 202, body: { verdict: 'alive', code: 'upstream-busy' } });
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
    const verdictId = '01KAVERDCTAAAAAAAAAAAAAAAA';
    const quarantine = { verdictId: aClaim().token, atMs: NOW_MS - 1, because: 'UnauthorizedOperation' };
    holds(
      aws,
      aStoredWorkspace({
        quarantine,
        evidence: {
          kind: 'stopped',
          verdictId,
          atMs: NOW_MS - 2000,
          generation: 3,
          instanceId: INSTANCE,
          bootId: 'boot-a',
          seq: 41,
          launchTimeMs: LAUNCHED_MS,
          round: 0,
        },
      }),
    );
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await handleReprobes(
      [
        received({
          v: 1,
          kind: 'reprobe',
          workspaceId: 'ws-1',
          instanceId: INSTANCE,
          generation: 3,
          epoch: 0,
          verdictId,
          errorKind: 'refused',
        }),
      ],
      ports,
    );
    expect(sent('restart')).toBe(0);
  });

  it('67 a function frozen for ten minutes between look and act - its write names the claim as it was, and finds another: no act', async () => {
    holds(aws, claimed(open()));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    writesFind(claimed(open(started)));
    await restartStep(open());
    expect(acts()).toBe(0);
  });

  it('68 old and new code side by side - a claim at a step that this version does not know: nothing is judged, claimed or done (S32)', async () => {
    holds(aws, claimed(open({ step: 'awaiting-oracle' as never })));
    ec2Shows(aws, 'stopped');
    expect(await restartStep(open())).toEqual({ kind: 'again', afterSeconds: 30 });
    expect(await fails()).toMatchObject({
      status: 202,
      body: { verdict: 'busy', reason: 'facts-malformed' },
    });
    expect(acts() + sent('restart') + sent('reprobe')).toBe(0);
  });

  it('68 old and new code side by side - a workspace with fields that this version does not know: read, and restarted as ever', async () => {
    holds(aws, { ...claimed(open()), fromTomorrow: { deep: true } } as Workspace);
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await restartStep(open());
    expect(aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(1);
  });

  it('68 an item as an older version wrote it, without any of the newer fields - restarted as ever', async () => {
    holds(aws, claimed(open()));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    await restartStep(open());
    expect(aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(1);
  });

  it('80 a stop that EC2 made (Spot, retirement, hibernation) - no person’s wish: restarted by the usual rules', async () => {
    aws.ec2.on(DescribeInstancesCommand).resolves({
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
    holds(aws, claimed(open(), { settings: { respectManualStop: true } }));
    await restartStep(open());
    expect(aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(1);
  });
});
