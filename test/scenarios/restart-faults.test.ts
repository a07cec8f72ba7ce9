/** The fault matrix, rows of claims, acts, versions and sweeps: each a test of its own, by its number. */
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { prepareClaim } from '../../core/claim.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { watch, watchedPower } from '../../lambdas/adapters/watched-ec2.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { restartMessage } from '../../lambdas/schemas/messages.ts';
import { aRecord } from '../lambdas/calls.ts';
import {
  aRestartMessage,
  claimed,
  evidenceOf,
  LAUNCHED_MS,
  open,
  receiptItem,
  started,
  VERDICT,
} from '../lambdas/claimed.ts';
import { fleetItem } from '../lambdas/fleet-items.ts';
import { aStoredWorkspace, ec2Shows, holds, itemOf, NOW_MS } from '../lambdas/mocked-aws.ts';
import { oneWorkspace } from '../lambdas/one-workspace.ts';
import { conditionFailed } from '../lambdas/refused-writes.ts';
import { play, wellEnded } from '../lambdas/restart-world.ts';

const world = oneWorkspace();

const fault = (name: string) => Object.assign(new Error(name), { name });
const dead = () => {
  holds(world.aws, aStoredWorkspace({ evidence: evidenceOf() }));
  ec2Shows(world.aws, 'stopped');
};

describe('fault rows: between verdict and act', () => {
  it('20 a beat lands between claim and act, for a stopped instance - a Start on one that runs does nothing, and is told as unjustified', async () => {
    holds(world.aws, claimed(open()));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    world.ec2Starts('running');
    expect(await world.restarts(open())).toEqual({ kind: 'done' });
    expect(world.stops()).toBe(0);
    expect(world.ended()[0]?.UpdateExpression).toContain('retiredBootId');
    expect(world.ports.log.counted).toContain('RestartUnjustified');
  });

  it('21 the function ends before the claim - no act yet, and the next receive claims', async () => {
    dead();
    world.aws.dynamo.on(UpdateCommand).rejectsOnce(fault('the process ended')).resolves({});
    expect(await world.reprobes()).toBeUndefined();
    expect(world.sent('restart')).toEqual([]);
    await world.reprobes();
    expect(world.sent('restart')).toHaveLength(1);
    expect(world.acts()).toBe(0);
  });

  it('22 it ends after the claim, before the act - resumed by the token: by the next receive, and by the sweep (V2)', async () => {
    const mine = open({ token: VERDICT, step: 'awaiting-admission' });
    holds(world.aws, claimed(mine), [receiptItem({ intent: 'dead' })]);
    await world.reprobes();
    expect(world.sent('restart')).toMatchObject([{ token: VERDICT, epoch: 0 }]);
    await world.sweeps();
    expect(world.sent('restart')).toMatchObject([{ epoch: 0 }, { token: VERDICT, epoch: 1 }]);
  });

  it('23 it ends after the act, before that is written down - the next receive sees it boot, adopts it, and starts nothing', async () => {
    const issued = open({ step: 'start-issued', attempt: 1 });
    holds(world.aws, claimed(issued));
    ec2Shows(world.aws, 'pending', { launchTimeMs: NOW_MS - 5000 });
    expect(await world.restarts(issued)).toMatchObject({ kind: 'again' });
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 5000 });
    await world.restarts(issued);
    expect(world.claims()).toMatchObject([{ step: 'starting', startedAtMs: NOW_MS - 5000 }]);
    expect(world.acts()).toBe(0);
  });

  it('24 the claim was written and its answer lost - its repeat finds our own token, and that is a win (S27)', async () => {
    dead();
    world.writesFind(claimed(open({ token: VERDICT, step: 'awaiting-admission' })));
    await world.reprobes();
    expect(world.sent('restart')).toMatchObject([{ token: VERDICT }]);
  });

  it('25 the claim is throttled - parked as before, and tried again under the same token', async () => {
    dead();
    world.aws.dynamo.on(UpdateCommand).rejects(fault('ProvisionedThroughputExceededException'));
    expect(await world.reprobes()).toBeUndefined();
    expect(world.sent('restart')).toEqual([]);
    world.aws.dynamo.on(UpdateCommand).resolves({});
    await world.reprobes();
    expect(world.claims()).toMatchObject([{ token: VERDICT }, { token: VERDICT }]);
    expect(world.sent('restart')).toMatchObject([{ token: VERDICT }]);
  });

  it('26 the claim is lost to another - busy, and no restart of ours', async () => {
    dead();
    world.writesFind(claimed(open({ token: '01KAANOTHERAAAAAAAAAAAAAAA' })));
    await world.reprobes();
    expect(world.ports.log.counted).toContain('ClaimLost');
    expect(world.sent('restart')).toEqual([]);
  });
});

describe('fault rows: what becomes of an act', () => {
  beforeEach(() => {
    holds(world.aws, claimed(open()));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
  });

  it('27 IncorrectInstanceState: it is still stopping - stays claimed, and is tried again by its state', async () => {
    world.ec2Refuses('start', 'IncorrectInstanceState');
    expect(await world.restarts(open())).toEqual({ kind: 'again', afterSeconds: 3 });
    expect(world.ended()).toEqual([]);
  });

  it('28 no capacity - tried again with growing waits for up to an hour; then given up, paged, and not quarantined (V4)', async () => {
    world.ec2Refuses('start', 'InsufficientInstanceCapacity');
    expect(await world.restarts(open())).toEqual({ kind: 'again', afterSeconds: 30 });
    const fourth = open({ step: 'start-issued', attempt: 3, waitsFor: 'capacity' });
    holds(world.aws, claimed(fourth));
    expect(await world.restarts(fourth)).toEqual({ kind: 'again', afterSeconds: 240 });
    expect(world.claims().at(-1)).toMatchObject({ deadlineMs: fourth.sinceMs + 3_600_000 });
    const last = { ...fourth, deadlineMs: NOW_MS };
    holds(world.aws, claimed(last));
    expect(await world.restarts(last)).toEqual({ kind: 'done' });
    expect(world.ports.log.counted).toContain('RestartFailed');
    expect(world.news()).toEqual(['restart.failed']);
  });

  it('29 RequestLimitExceeded - backs off with jitter, and the brake hears of it', async () => {
    world.ec2Refuses('start', 'RequestLimitExceeded');
    const noted: object[] = [];
    const health = { note: (answers: object) => Promise.resolve(void noted.push(answers)) };
    world.ports = {
      ...world.ports,
      ids: { ...world.ports.ids, jitter: () => 1 },
      power: watchedPower(world.ports.power, watch(health, world.ports.clock)),
    };
    expect(await world.restarts()).toEqual({ kind: 'again', afterSeconds: expect.closeTo(3.6) as unknown });
    expect(world.claims().at(-1)).toMatchObject({ waitsFor: 'throttle', notBeforeMs: NOW_MS + 3600 });
    expect(noted).toEqual([{ answered: 0, failed: 1 }]);
  });

  it('30 the Start succeeds and its answer is lost - the state is read before anything else, and there is no second Start', async () => {
    world.ec2Refuses('start', 'TimeoutError');
    expect(await world.restarts(open())).toMatchObject({ kind: 'again' });
    const issued = open({ step: 'start-issued', attempt: 1 });
    holds(world.aws, claimed(issued));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS + 1000 });
    await world.restarts(issued);
    expect(world.starts()).toBe(1);
    expect(world.claims().at(-1)).toMatchObject({ step: 'starting', startedAtMs: NOW_MS + 1000 });
  });

  it('31 an explicit deny - stops trying at once, quarantines and pages', async () => {
    world.ec2Refuses('start', 'UnauthorizedOperation');
    expect(await world.restarts(open())).toEqual({ kind: 'done' });
    expect(world.ended()[0]?.ExpressionAttributeValues).toMatchObject({
      ':quarantine': { because: 'UnauthorizedOperation' },
    });
    expect(world.ports.log.counted).toEqual(
      expect.arrayContaining(['RestartFailed', 'WorkspaceQuarantined']),
    );
    expect(world.starts()).toBe(1);
  });

  it('32 stop protection (OperationNotPermitted) on the way of a silent one - respected: one Stop, no Start, paged', async () => {
    const silent = open({ kind: 'silent' });
    holds(world.aws, claimed(silent));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    world.ec2Refuses('stop', 'OperationNotPermitted');
    expect(await world.restarts(silent)).toEqual({ kind: 'done' });
    expect([world.stops(), world.starts()]).toEqual([1, 0]);
    expect(world.ports.log.counted).toContain('RestartFailed');
  });

  it('33 the instance never reaches running - at its deadline it is given up with notice, and quarantined', async () => {
    const late = open({ ...started, deadlineMs: NOW_MS });
    holds(world.aws, claimed(late));
    ec2Shows(world.aws, 'pending', { launchTimeMs: NOW_MS - 900_000 });
    expect(await world.restarts(late)).toEqual({ kind: 'done' });
    expect(world.news()).toEqual(['restart.failed', 'workspace.quarantined']);
    expect(world.acts()).toBe(0);
  });

  it('34 it runs and its agent never beats - the claim ends with notice, nothing is restarted again, and a late beat is welcome', async () => {
    const mute = open({ ...started, startedAtMs: NOW_MS - 900_000, deadlineMs: NOW_MS });
    holds(world.aws, claimed(mute));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 900_000 });
    expect(await world.restarts(mute)).toEqual({ kind: 'done' });
    expect(world.ports.log.counted).toContain('WorkspaceMute');
    expect(world.news()).toEqual(['restart.failed']);
    const { claim: _ended, retiredBootId: _retired, ...since } = claimed(mute);
    holds(world.aws, since);
    expect(await world.fails('refused')).toMatchObject({
      status: 503,
      body: { verdict: 'alive', code: 'agent-restarting' },
    });
    expect(world.acts()).toBe(0);
  });

  it('67 the function is frozen for ten minutes between look and act - the intent names the claim as it was read, so it is refused: no act (S8)', async () => {
    world.writesFind(claimed(open({ epoch: 1 })));
    expect(await world.restarts(open())).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(world.acts()).toBe(0);
    expect(world.updates()[0]?.ConditionExpression).toContain(
      'claim.#token = :token AND claim.epoch = :epoch AND claim.#step = :step AND claim.attempt = :attempt',
    );
  });
});

describe('fault rows: functions that end, versions, flapping, sweeps', { timeout: 60_000 }, () => {
  it('66 the function runs out of time between any two effects - as if it had ended there: the same end', async () => {
    const { effects } = await play({ dies: 'stopped' });
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++)
      expect({ crashAfter, ...(await play({ dies: 'stopped', crashAfter })) }).toMatchObject({
        crashAfter,
        ...wellEnded('stopped'),
      });
  });

  it('68 old and new code run together - what the new one has added to a claim is still there when the old one has moved it on (S32)', async () => {
    const fromTomorrow = { ...open(), askedOf: { oracle: 'delphi' } };
    holds(world.aws, claimed(fromTomorrow));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    world.ec2Starts('stopped');
    await world.restarts(open());
    expect(world.starts()).toBe(1);
    for (const claim of world.claims()) expect(claim).toMatchObject({ askedOf: { oracle: 'delphi' } });
    expect(world.claims()).toHaveLength(2);
  });

  it('68 and the same of the fleet item - admission by the old one loses nothing of it', async () => {
    const fleet = fleetItem({
      admitted: { other: { workspaceId: 'ws-9', deadlineMs: NOW_MS + 9000, zone: 'a' } },
      deaths: [{ workspaceId: 'ws-8', atMs: NOW_MS - 9000, rack: 'r1' }],
      zoneBrakes: { a: 'open' },
    });
    const waiting = open({ step: 'awaiting-admission' });
    holds(world.aws, claimed(waiting), [fleet]);
    ec2Shows(world.aws, 'stopped');
    await world.restarts(waiting);
    const written = world.aws.dynamo
      .calls()
      .map((call) => call.args[0].input as { Item?: Record<string, unknown> })
      .find(({ Item }) => Item?.['sk'] === 'BRAKE')?.Item;
    expect(written).toMatchObject({
      revision: 8,
      zoneBrakes: { a: 'open' },
      admitted: { other: { zone: 'a' }, [waiting.token]: { workspaceId: 'ws-1' } },
    });
    expect(written?.['deaths']).toContainEqual(expect.objectContaining({ rack: 'r1' }));
  });

  it('68 an item of the next schema - to the old code it is nothing that could be judged, claimed, restarted or swept, whichever function meets it', async () => {
    const next = { ...itemOf(claimed(open(), { evidence: evidenceOf() })), v: 2 };
    holds(world.aws, next as never);
    ec2Shows(world.aws, 'stopped');
    expect(await world.fails()).toMatchObject({ body: { verdict: 'busy', reason: 'facts-malformed' } });
    await world.reprobes();
    expect(await world.restarts(open())).toEqual({ kind: 'again', afterSeconds: 30 });
    await world.sweeps();
    expect(world.sent('restart')).toEqual([]);
    expect(world.sent('reprobe')).toEqual([]);
    expect(world.claims()).toEqual([]);
    expect(world.acts()).toBe(0);
  });

  it('69 a message of schema N+1 meets code N - waits for a newer function, then goes to the dead letters; no act', async () => {
    holds(world.aws, claimed(open()));
    ec2Shows(world.aws, 'stopped');
    const handler = queueHandler({
      telemetry: telemetry(),
      sqs: new SQSClient({}),
      queueUrl: 'https://queues.test/restart',
      deadLetterUrl: 'https://queues.test/dlq',
      schema: restartMessage,
      handle: (messages) => handleRestarts(messages, world.ports),
    });
    const body = { ...aRestartMessage(), v: 2, zone: 'a' };
    expect(await handler({ Records: [aRecord('m', body, 1)] }, {} as Context)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm' }],
    });
    expect(await handler({ Records: [aRecord('m', body, 100)] }, {} as Context)).toEqual({
      batchItemFailures: [],
    });
    expect(world.aws.sqs.commandCalls(SendMessageCommand).map((call) => call.args[0].input)).toMatchObject([
      { QueueUrl: 'https://queues.test/dlq', MessageBody: JSON.stringify(body) },
    ]);
    expect(world.updates()).toEqual([]);
    expect(world.acts()).toBe(0);
  });

  it('76 it flaps, dying every two minutes - each restart waits longer, and the fourth within half an hour is none: quarantined', async () => {
    const policy = policyOf(defaultSettings);
    const at = (ms: number) => ({ earliestMs: ms, latestMs: ms });
    const waits: number[] = [];
    let workspace = aStoredWorkspace({ evidence: evidenceOf() });
    let nowMs = NOW_MS;
    for (let death = 0; death < 3; death++) {
      const order = { token: VERDICT, kind: 'dead', reason: 'stopped', forced: false } as const;
      const write = prepareClaim(workspace, order, at(nowMs), policy);
      if (write === 'restart-budget-spent') throw new Error('too early');
      const actsAtMs = Math.max(nowMs, write.sets.claim.notBeforeMs ?? 0);
      waits.push(actsAtMs - nowMs);
      workspace = { ...workspace, recentRestartsMs: write.sets.recentRestartsMs };
      nowMs = actsAtMs + 120_000;
    }
    expect(waits).toEqual([0, 0, 120_000]);
    const since = workspace.recentRestartsMs.map((atMs) => atMs - (nowMs - NOW_MS));
    holds(world.aws, aStoredWorkspace({ evidence: evidenceOf(), recentRestartsMs: since }));
    ec2Shows(world.aws, 'stopped');
    await world.reprobes();
    expect(world.updates().some((it) => it.UpdateExpression?.startsWith('SET quarantine'))).toBe(true);
    expect(world.news()).toContain('workspace.quarantined');
    expect(world.sent('restart')).toEqual([]);
  });

  it('80 Spot, hibernation, retirement - stopped by EC2 itself is stopped, and no person’s wish; terminated by it is gone', async () => {
    dead();
    ec2Shows(world.aws, 'terminated');
    await world.reprobes();
    expect(world.news()).toContain('workspace.gone');
    expect(world.sent('restart')).toEqual([]);
  });

  it('84 two sweeps at once, and a redelivery beside them - one raises the epoch, messages of the older one change nothing: one act', async () => {
    const end = await play({ dies: 'stopped', sweeps: 2, copies: 2 });
    expect(end).toMatchObject(wellEnded('stopped'));
    world.begin();
    const old = open({ epoch: 1 });
    holds(world.aws, claimed(old));
    ec2Shows(world.aws, 'stopped');
    expect(await world.restarts(open({ epoch: 0 }))).toEqual({ kind: 'done' });
    expect(world.acts()).toBe(0);
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await world.sweeps();
    expect(world.sent('restart')).toEqual([]);
  });
});
