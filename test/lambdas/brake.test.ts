/** The brake as the functions work it: admission, acts, the end of a restart, the sweep, the operator's routes. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, StartInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { MOST_DEATHS, type Death } from '../../core/deaths.ts';
import type { RestartMessage } from '../../core/messages.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import type { DueWork } from '../../lambdas/ports/due-work.ts';
import { apiCall, received } from './calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  dated,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  TABLE,
} from './mocked-aws.ts';

const { token, instanceId } = aClaim();
const message: RestartMessage = {
  v: 1,
  kind: 'restart',
  workspaceId: 'ws-1',
  instanceId,
  generation: 4,
  epoch: 0,
  token,
};
const brakeKey = { pk: 'FLEET', sk: 'BRAKE' };
const size = { pk: 'FLEET', sk: 'SIZE', workspaces: 40 };
const fleet = (changes: object = {}) => ({
  ...brakeKey,
  revision: 7,
  brake: 'closed',
  admitted: {},
  deaths: [],
  ...changes,
});
const open = (changes: object = {}) =>
  fleet({ brake: 'open', openedAtMs: NOW_MS - 1000, closesAtMs: NOW_MS + 299_000, ...changes });
const ramp = (changes: object = {}) => ({
  size: 1,
  running: [],
  done: 0,
  sinceMs: NOW_MS - 1000,
  ...changes,
});
const slot = { workspaceId: 'ws-1', deadlineMs: NOW_MS + 600_000 };
const dead = (count: number, changes: Partial<Death> = {}): Death[] =>
  Array.from({ length: count }, (_, index) => ({
    workspaceId: `d-${index}`,
    atMs: NOW_MS - 9000,
    ...changes,
  }));
const receiptBy = (askedBy: string) => ({
  pk: 'WS#ws-1',
  sk: `VERDICT#${token}`,
  receipt: { verdictId: token, workspaceId: 'ws-1', verdict: 'dead', askedBy },
});
const claimed = (claim: Partial<Claim>, changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ generation: 4, claim: { ...aClaim(), ...claim }, ...changes });
const waiting = (claim: Partial<Claim> = {}) => claimed({ step: 'awaiting-admission', ...claim });

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver> & { due: DueWork };
beforeEach(() => {
  aws = mockedAws();
  ports = { ...portsOver(aws), due: dueWork(openTable(TABLE)) };
  aws.dynamo.on(QueryCommand).resolves({ Items: [], $metadata: dated() });
});

const restart = async (receives = 1) =>
  (await handleRestarts([received(message, { receives })], ports)).get('message-1');
const operate = (route: string) => handleOperate(apiCall(route, ''), { ...ports, ...unused });
const unused = {
  registry: {} as never,
  workspaceTag: { Key: 'k', Value: 'v' },
  operatorRoles: [],
  reporterRoles: [],
};
/** The fleet items that were written. */
const written = () =>
  aws.dynamo
    .commandCalls(PutCommand)
    .map((call) => call.args[0].input.Item ?? {})
    .filter((item) => item['sk'] === 'BRAKE');
const acts = () => aws.ec2.commandCalls(StartInstancesCommand).length;
const news = () =>
  aws.bus
    .commandCalls(PutEventsCommand)
    .map((call) => call.args[0].input.Entries?.[0])
    .map((entry) => ({ type: entry?.DetailType, ...(JSON.parse(entry?.Detail ?? '{}') as object) }));
const admissions = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .map((call) => call.args[0].input.ExpressionAttributeValues?.[':claim'] as Claim | undefined)
    .filter((claim) => claim?.step === 'admitted');

const steps = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .map((call) => (call.args[0].input.ExpressionAttributeValues?.[':claim'] as Claim | undefined)?.step);

function ec2Tells(changes: object): void {
  aws.ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [{ Instances: [{ InstanceId: instanceId, State: { Name: 'stopped' }, ...changes }] }],
  });
}

describe('a claim that asks for admission', () => {
  it('its death is noted with zone, image, version tag and reporter', async () => {
    holds(aws, waiting(), [fleet(), size, receiptBy('role/proxy')]);
    ec2Tells({
      Placement: { AvailabilityZone: 'us-east-1a' },
      ImageId: 'ami-1',
      Tags: [{ Key: 'defib:version', Value: '41f' }],
    });
    await restart();
    expect(written()).toMatchObject([
      {
        admitted: { [token]: { workspaceId: 'ws-1' } },
        deaths: [
          {
            workspaceId: 'ws-1',
            zone: 'us-east-1a',
            image: 'ami-1',
            version: '41f',
            reporter: 'role/proxy',
          },
        ],
      },
    ]);
    expect(admissions()).toHaveLength(1);
  });

  it('neither EC2 nor the receipt says anything - the death counts all the same', async () => {
    holds(aws, waiting(), [fleet(), size]);
    aws.ec2.on(DescribeInstancesCommand).rejects(new Error('down'));
    await restart();
    expect(written()).toMatchObject([{ deaths: [{ workspaceId: 'ws-1' }] }]);
  });

  it('asks again while it waits - its death is noted once, EC2 is not asked, nothing is written', async () => {
    holds(aws, waiting(), [
      open({ deaths: dead(9).concat({ workspaceId: 'ws-1', atMs: NOW_MS - 1000 }) }),
      size,
    ]);
    expect(await restart(9)).toEqual({ kind: 'again', afterSeconds: 60 });
    expect(written()).toEqual([]);
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(0);
  });

  it('another write of the fleet item was faster - it asks anew, and nobody is paged', async () => {
    holds(aws, waiting(), [fleet({ deaths: dead(8) }), size]);
    aws.dynamo.on(PutCommand).rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    expect(await restart()).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(news()).toEqual([]);
    expect(admissions()).toEqual([]);
  });
});

describe('the ramp', () => {
  it('the canary is under way - the next waits, and asks again soon', async () => {
    holds(aws, waiting(), [fleet({ ramp: ramp({ running: ['other'] }), forgivenUntilMs: NOW_MS }), size]);
    expect(await restart(9)).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(admissions()).toEqual([]);
  });

  it('an instance that runs by then - is probed when it is admitted, and not started', async () => {
    holds(aws, claimed({ launchTimeMs: NOW_MS - 7_200_000 }), [
      fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot } }),
      size,
    ]);
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
    await restart();
    expect(acts()).toBe(0);
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
    expect(written()).toMatchObject([
      { brake: 'closed', ramp: { size: 1, running: [], done: 0 }, admitted: {} },
    ]);
  });

  it('a slot from before the storm - acts only when its turn has come', async () => {
    const before = { admitted: { [token]: slot }, forgivenUntilMs: NOW_MS };
    holds(aws, claimed({}), [fleet({ ...before, ramp: ramp({ running: ['other'] }) }), size]);
    ec2Shows(aws, 'stopped');
    expect(await restart()).toMatchObject({ kind: 'again' });
    expect(acts()).toBe(0);
    holds(aws, claimed({}), [fleet({ ...before, ramp: ramp() }), size]);
    await restart();
    expect(written()).toMatchObject([{ ramp: { running: [token] } }]);
    expect(acts()).toBe(1);
  });

  it('the canary beats - the next two may go', async () => {
    holds(
      aws,
      claimed(
        { step: 'starting', startedAtMs: NOW_MS - 5000, bootId: 'boot-a', launchTimeMs: NOW_MS - 7_200_000 },
        {
          heartbeat: { atMs: NOW_MS - 1000, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 },
          retiredBootId: 'boot-a',
        },
      ),
      [fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot } }), size],
    );
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 5000 });
    expect(await restart()).toEqual({ kind: 'done' });
    expect(written()).toMatchObject([
      { brake: 'closed', admitted: {}, ramp: { size: 2, running: [], done: 0 } },
    ]);
  });

  it('the canary meets no capacity - its turn goes to another: that says nothing of the way back', async () => {
    holds(aws, claimed({}), [
      fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot }, forgivenUntilMs: NOW_MS }),
      size,
    ]);
    ec2Shows(aws, 'stopped');
    aws.ec2
      .on(StartInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'InsufficientInstanceCapacity' }));
    expect(await restart()).toMatchObject({ kind: 'again', afterSeconds: 30 });
    expect(written()).toMatchObject([
      { brake: 'closed', admitted: {}, ramp: { size: 1, running: [], done: 0 } },
    ]);
    expect(news()).toEqual([]);
  });

  it('its workspace is paused, or an announced change settles - its turn goes to another, and the brake stays closed', async () => {
    const its = fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot } });
    for (const changes of [
      { pause: { by: 'role/operator', reason: 'look' } },
      { settleUntilMs: NOW_MS + 600_000, claim: { ...aClaim(), settleUntilMs: NOW_MS } },
    ]) {
      aws.dynamo.resetHistory();
      holds(aws, claimed({}, changes), [its, size]);
      ec2Shows(aws, 'stopped');
      expect(await restart()).toMatchObject({ kind: 'again' });
      expect(written()).toMatchObject([{ brake: 'closed', admitted: {}, ramp: { running: [], done: 0 } }]);
      expect(steps()).toEqual(['awaiting-admission']);
    }
  });

  it('the canary fails - the brake opens again, with one page', async () => {
    holds(aws, claimed({ step: 'start-issued', attempt: 1, deadlineMs: NOW_MS }), [
      fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot } }),
      size,
    ]);
    ec2Shows(aws, 'stopped');
    expect(await restart()).toEqual({ kind: 'done' });
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'canary-failed', admitted: {} }]);
    expect(news()).toContainEqual(
      expect.objectContaining({
        type: 'brake.opened',
        cause: 'canary-failed',
        because: 'the restart of ws-1 failed: deadline',
      }),
    );
    expect(ports.log.counted).toContain('BrakeOpened');
  });
});

describe('a claim that has to wait longer than its time', () => {
  const late = { deadlineMs: NOW_MS, sinceMs: NOW_MS - 900_000, launchTimeMs: NOW_MS - 7_200_000 };

  it.each(['awaiting-admission', 'admitted'] as const)(
    'under a brake that stays open, at %s - is looked at anew and waits on: same claim, same death, nothing held',
    async (step) => {
      holds(aws, claimed({ ...late, step }), [
        open({ admitted: step === 'admitted' ? { [token]: slot } : {} }),
        size,
      ]);
      ec2Shows(aws, 'stopped');
      expect(await restart()).toEqual({ kind: 'again', afterSeconds: 2 });
      const claims = aws.dynamo
        .commandCalls(UpdateCommand)
        .map((call) => call.args[0].input.ExpressionAttributeValues?.[':claim'] as Claim);
      expect(claims).toMatchObject([
        { step: 'awaiting-admission', deadlineMs: NOW_MS + 900_000, sinceMs: late.sinceMs, token },
      ]);
      expect(written().map((item): unknown => item['admitted'])).toEqual(step === 'admitted' ? [{}] : []);
      expect(ports.log.counted).toEqual(['RestartHeldBack']);
      expect(news()).toEqual([]);
      expect(acts()).toBe(0);
    },
  );

  it('and runs by then - a false alarm, and no act', async () => {
    holds(aws, claimed({ ...late, step: 'awaiting-admission' }), [open(), size]);
    ec2Shows(aws, 'running');
    expect(await restart()).toEqual({ kind: 'done' });
    expect(news()).toMatchObject([{ type: 'restart.done', outcome: 'false-alarm' }]);
    expect(acts()).toBe(0);
  });

  it('another copy of its message was faster - nothing is given back for it', async () => {
    holds(aws, claimed({ ...late, step: 'admitted' }), [open({ admitted: { [token]: slot } }), size]);
    ec2Shows(aws, 'stopped');
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    await restart();
    expect(written()).toEqual([]);
    expect(ports.log.counted).toEqual([]);
  });

  it.each([
    ['stop-recorded', 449_999, [NOW_MS + 900_000]],
    ['stop-recorded', 450_000, []],
    ['admitted', 1, []],
  ] as const)(
    'at %s with %i ms left, the brake open - what Defib itself has stopped is not given up for that: new deadlines %j',
    async (step, leftMs, deadlines) => {
      holds(aws, claimed({ step, deadlineMs: NOW_MS + leftMs }), [open(), size]);
      ec2Shows(aws, 'stopped');
      expect(await restart()).toEqual({ kind: 'again', afterSeconds: 10 });
      expect(
        aws.dynamo
          .commandCalls(UpdateCommand)
          .map((call) => (call.args[0].input.ExpressionAttributeValues?.[':claim'] as Claim).deadlineMs),
      ).toEqual(deadlines);
      expect(acts()).toBe(0);
    },
  );

  it('without capacity, its slot given back - acts again only with a new one', async () => {
    const waited = { step: 'start-issued', attempt: 3, waitsFor: 'capacity', notBeforeMs: NOW_MS } as const;
    const others = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, slot]));
    holds(aws, claimed(waited), [fleet({ admitted: others }), size]);
    ec2Shows(aws, 'stopped');
    expect(await restart()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(acts()).toBe(0);
    holds(aws, claimed(waited), [fleet(), size]);
    await restart();
    expect(acts()).toBe(1);
    expect(written().at(-1)).toMatchObject({ admitted: { [token]: { workspaceId: 'ws-1' } } });
  });

  it('a slot that has lapsed - is none: another may have it by now', async () => {
    const lapsed = { [token]: { ...slot, deadlineMs: NOW_MS } };
    const others = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, slot]));
    holds(aws, claimed({}), [fleet({ admitted: { ...lapsed, ...others } }), size]);
    ec2Shows(aws, 'stopped');
    await restart();
    expect(acts()).toBe(0);
  });
});

describe('the sweep', () => {
  const sweep = () => handleSweep(ports);

  it('the brake is open - it is counted each time, so that the alarm stands', async () => {
    holds(aws, aStoredWorkspace(), [open(), size]);
    await sweep();
    expect(ports.log.counted).toContain('BrakeOpen');
    expect(written()).toEqual([]);
  });

  it('it has cooled down - closed, with a canary first, and the news goes out', async () => {
    holds(aws, aStoredWorkspace(), [open({ closesAtMs: NOW_MS, deaths: dead(9) }), size]);
    await sweep();
    expect(written()).toMatchObject([
      { brake: 'closed', deaths: [], forgivenUntilMs: NOW_MS, ramp: { size: 1, running: [] } },
    ]);
    expect(news()).toMatchObject([{ type: 'brake.closed', reason: 'cooled-down' }]);
    expect(ports.log.counted).not.toContain('BrakeOpen');
  });

  it.each([
    [1, 'closed by this very sweep: the next one is a minute away (V9)', 1],
    [2, 'closed by this very sweep', 1],
    [3, 'left to the next sweep', 0],
  ])('somebody else writes the fleet %i times meanwhile - %s', async (times, _what, closed) => {
    holds(aws, aStoredWorkspace(), [open({ closesAtMs: NOW_MS, deaths: dead(9) }), size]);
    let left = times;
    aws.dynamo.on(PutCommand).callsFake(() => {
      left -= 1;
      if (left >= 0) throw new ConditionalCheckFailedException({ message: '', $metadata: {} });
      return {};
    });
    await sweep();
    expect(news().filter(({ type }) => type === 'brake.closed')).toHaveLength(closed);
  });

  it('a canary whose claim has ended without a word - its turn goes to another, and no slot leaks', async () => {
    holds(aws, aStoredWorkspace(), [
      fleet({ ramp: ramp({ running: [token] }), admitted: { [token]: slot } }),
      size,
    ]);
    await sweep();
    expect(written()).toMatchObject([{ brake: 'closed', admitted: {}, ramp: { running: [], done: 0 } }]);
  });
});

describe("the operator's routes", () => {
  it('release - closed at once, a canary first, and the log says who', async () => {
    holds(aws, aStoredWorkspace(), [open({ deaths: dead(9) }), size]);
    expect(await operate('POST /fleet/brake/release')).toMatchObject({ status: 200 });
    expect(written()).toMatchObject([{ brake: 'closed', ramp: { size: 1 }, forgivenUntilMs: NOW_MS }]);
    expect(news()).toMatchObject([{ type: 'brake.closed', reason: 'released', by: 'role/proxy' }]);
  });

  it('release of a closed brake - changes nothing and tells nothing', async () => {
    holds(aws, aStoredWorkspace(), [fleet({ ramp: ramp({ size: 4 }) }), size]);
    expect(await operate('POST /fleet/brake/release')).toMatchObject({ status: 200 });
    expect(written()).toMatchObject([{ brake: 'closed', ramp: { size: 4 } }]);
    expect(news()).toEqual([]);
  });

  it('resume after a pause - what waits is asked about anew: it is probed before it is started', async () => {
    holds(aws, claimed({}), [fleet({ admitted: { [token]: slot } }), size]);
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
    await operate('DELETE /fleet/pause');
    await restart();
    expect(acts()).toBe(0);
  });

  it('a pause - nobody is restarted until it ends', async () => {
    const pause = { by: 'role/operator', reason: 'storm', untilMs: NOW_MS + 1 };
    holds(aws, claimed({}), [fleet({ pause, admitted: { [token]: slot } }), size]);
    ec2Shows(aws, 'stopped');
    expect(await restart()).toMatchObject({ kind: 'again' });
    expect(acts()).toBe(0);
    holds(aws, claimed({}), [
      fleet({ pause: { ...pause, untilMs: NOW_MS }, admitted: { [token]: slot } }),
      size,
    ]);
    await restart();
    expect(acts()).toBe(1);
  });
});

describe('faults', () => {
  it('48: heartbeats are lost fleet-wide, so that everybody looks silent - the brake opens, no act', async () => {
    const silent = dead(8, { isSilent: true, reporter: 'deliver' }).map((death, index) => ({
      ...death,
      reporter: index % 2 === 0 ? 'role/proxy' : 'deliver',
    }));
    holds(aws, waiting({ kind: 'silent' }), [fleet({ deaths: silent }), size, receiptBy('deliver')]);
    ec2Shows(aws, 'running');
    await restart();
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'deaths' }]);
    expect(news()).toMatchObject([{ type: 'brake.opened', deaths: 9 }]);
    expect(acts()).toBe(0);
  });

  it('49: EC2 is down - the brake opens by the sweep, though no claim asks, and no act', async () => {
    const minute = Math.floor(NOW_MS / 60_000);
    holds(aws, aStoredWorkspace(), [
      fleet(),
      size,
      { pk: 'FLEET', sk: `EC2#${minute}`, answered: 3, failed: 9 },
      { pk: 'FLEET', sk: `EC2#${minute - 2}`, failed: 8 },
      { pk: 'FLEET', sk: `EC2#${minute - 3}`, answered: 900 },
    ]);
    await handleSweep(ports);
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'ec2' }]);
    expect(news()).toMatchObject([
      { type: 'brake.opened', because: '17 of 20 calls to EC2 failed or were throttled' },
    ]);
    expect(acts()).toBe(0);
  });

  it('72: 30 % of the fleet dies in a minute - the brake opens once, and nobody is admitted any more', async () => {
    const state = new Map<string, Record<string, unknown>>([['BRAKE', fleet()]]);
    aws.dynamo.on(PutCommand).callsFake((input: { Item: Record<string, unknown> }) => {
      state.set('BRAKE', input.Item);
      return {};
    });
    let admittedInAll = 0;
    for (let index = 0; index < 12; index++) {
      const workspaceId = `ws-${index}`;
      const own = `01KACLAIMAAAAAAAAAAAAAAA${String(index).padStart(2, '0')}`;
      const workspace = { ...waiting({ token: own }), workspaceId };
      holds(aws, workspace, [state.get('BRAKE') ?? {}, size]);
      ec2Shows(aws, 'stopped');
      await handleRestarts([received({ ...message, workspaceId, token: own })], ports);
      admittedInAll = Object.keys(state.get('BRAKE')?.['admitted'] as object).length;
    }
    expect(state.get('BRAKE')).toMatchObject({ brake: 'open' });
    expect(state.get('BRAKE')?.['deaths']).toHaveLength(12);
    expect(admittedInAll).toBe(3);
    expect(news().filter(({ type }) => type === 'brake.opened')).toHaveLength(1);
    // Those three were admitted, and do not act any more either.
    const [admitted = ''] = Object.keys(state.get('BRAKE')?.['admitted'] as object);
    holds(aws, claimed({ token: admitted }), [state.get('BRAKE') ?? {}, size]);
    await handleRestarts([received({ ...message, token: admitted })], ports);
    expect(acts()).toBe(0);
  });

  it('73: all dead are of one zone and one image - the page says so', async () => {
    const common = { zone: 'us-east-1c', image: 'ami-41f' };
    holds(aws, waiting(), [fleet({ deaths: dead(8, common) }), size]);
    ec2Tells({ Placement: { AvailabilityZone: 'us-east-1a' }, ImageId: 'ami-41f' });
    await restart();
    expect(news()).toMatchObject([
      {
        type: 'brake.opened',
        inCommon: 'zone us-east-1c (8 of 9), image ami-41f (9 of 9)',
        because:
          '9 workspaces looked dead within 300 s; in common: zone us-east-1c (8 of 9), image ami-41f (9 of 9)',
      },
    ]);
  });

  it('74: one proxy says of most that nobody listens - it is suspected: brake open, nobody restarted on its word', async () => {
    holds(aws, waiting({ kind: 'silent' }), [
      fleet({ deaths: dead(4, { isSilent: true, reporter: 'role/proxy' }) }),
      size,
      receiptBy('role/proxy'),
    ]);
    ec2Shows(aws, 'running');
    await restart();
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'one-reporter', admitted: {} }]);
    expect(news()).toMatchObject([{ type: 'brake.opened', cause: 'one-reporter' }]);
    expect(admissions()).toEqual([]);
  });

  it('75: the fleet item cannot be read - nobody is admitted, nobody acts, the operator sees an open brake, and is paged (S14)', async () => {
    const rubbish = { ...fleet(), ramp: { size: 0 } };
    holds(aws, waiting(), [rubbish, size]);
    expect(await restart()).toBeUndefined();
    holds(aws, claimed({}), [rubbish, size]);
    ec2Shows(aws, 'stopped');
    expect(await restart()).toBeUndefined();
    expect(acts()).toBe(0);
    expect(admissions()).toEqual([]);
    await handleSweep(ports);
    expect(ports.log.counted).toContain('BrakeUnreadable');
    expect(written()).toEqual([]);
    const shown = await handleLookup(apiCall('GET /fleet', ''), { ...ports, operatorRoles: [] });
    expect(JSON.parse(JSON.stringify(shown))).toMatchObject({
      status: 200,
      body: { brake: { state: 'open', cause: 'unreadable' } },
    });
  });

  it('a fleet of ten thousand - the list of its deaths stays bounded', async () => {
    holds(aws, waiting(), [open({ deaths: dead(MOST_DEATHS) }), { ...size, workspaces: 10_000 }]);
    ec2Shows(aws, 'stopped');
    await restart();
    expect(written()[0]?.['deaths']).toHaveLength(MOST_DEATHS);
  });
});
