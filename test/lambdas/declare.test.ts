/** What follows from a dead verdict beside a plain restart: nothing to start, nothing allowed, or a yes to wait for. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { WorkspaceSettings } from '../../core/policy.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { forwardError } from './calls.ts';
import { evidenceOf, INSTANCE, receiptItem, VERDICT } from './claimed.ts';
import { aStoredWorkspace, ec2Shows, itemOf, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, fails, updates, puts, claimWrites, probes, sent, told, counted } = world;

/** Seen down 2 s ago. */
const suspected = (settings: Partial<WorkspaceSettings> = {}, changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ settings, evidence: evidenceOf(), ...changes });
const secondLook = async () => {
  const settled = await world.reprobes();
  return { settled, receipt: puts().at(-1)?.Item?.['receipt'] as Receipt | undefined };
};

describe('a terminated instance', () => {
  const terminated = () =>
    world.aws.ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        {
          Instances: [
            {
              InstanceId: INSTANCE,
              State: { Name: 'terminated' },
              LaunchTime: new Date(NOW_MS - 7_200_000),
              ImageId: 'ami-1',
              InstanceType: 't3.small',
              Placement: { AvailabilityZone: 'us-east-1a' },
              SubnetId: '',
            },
          ],
        },
      ],
    });

  it('gone under all the guards of a claim, and no claim: no budget is spent, and one event says what a replacement needs', async () => {
    hold(suspected());
    terminated();
    expect(await secondLook()).toMatchObject({
      settled: { kind: 'done' },
      receipt: { verdict: 'dead', reason: 'terminated', act: 'none' },
    });
    expect(claimWrites()).toHaveLength(0);
    expect(sent('restart')).toHaveLength(0);
    const [gone] = updates();
    expect(gone?.UpdateExpression).toBe('SET gone = :finding REMOVE evidence, dueKey, dueAt');
    for (const guard of [
      'evidence.verdictId',
      'freshUntilMs <',
      'settleUntilMs <=',
      'heartbeat.seq',
      'pause',
    ])
      expect(gone?.ConditionExpression).toContain(guard);
    expect(told()).toEqual([
      {
        type: 'workspace.gone',
        workspaceId: 'ws-1',
        instanceId: INSTANCE,
        verdictId: VERDICT,
        generation: 3,
        port: 8080,
        protocol: 'http',
        path: '/',
        imageId: 'ami-1',
        instanceType: 't3.small',
        availabilityZone: 'us-east-1a',
        reason: 'terminated',
      },
      expect.objectContaining({ type: 'verdict.final' }),
    ]);
  });

  it('the budget is spent - gone all the same: it needs none', async () => {
    hold(suspected({}, { recentRestartsMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1] }));
    terminated();
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'dead', reason: 'terminated' } });
  });

  it('a beat or a new instance came in between - busy, and nothing is concluded', async () => {
    hold(suspected());
    terminated();
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression?: string }) => {
      if (input.UpdateExpression?.startsWith('SET gone') !== true) return {};
      throw conditionFailed(itemOf(aStoredWorkspace({ generation: 4 })));
    });
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'busy', reason: 'claim-lost' } });
    expect(told().map(({ type }) => type)).not.toContain('workspace.gone');
  });

  const gone = { verdictId: VERDICT, atMs: NOW_MS - 60_000, instanceId: INSTANCE };

  it('known to be gone - 503 gone by the verdict of then, with no probe, no new verdict and no claim', async () => {
    hold(aStoredWorkspace({ gone }));
    const answer = await fails();
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'gone', verdict: 'dead', reason: 'terminated', restarting: false, verdictId: VERDICT },
    });
    expect(probes()).toBe(0);
    expect(updates()).toHaveLength(0);
  });

  it('another instance is registered by now - judged anew', async () => {
    hold(aStoredWorkspace({ gone: { ...gone, instanceId: 'i-0fedcba9876543210' } }));
    ec2Shows(world.aws, 'running');
    const answer = await handleForwardError(forwardError({ error: { kind: 'refused' } }), world.ports);
    expect(answer).toMatchObject({ body: { verdict: 'alive' } });
  });

  it('the run that found it gone stopped half-way - its redelivery tells, and makes the verdict final', async () => {
    const { evidence: _evidence, ...found } = suspected({}, { gone });
    hold(found, [receiptItem({ intent: 'dead' })]);
    terminated();
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'dead', reason: 'terminated' } });
    expect(told().map(({ type }) => type)).toEqual(['workspace.gone', 'verdict.final']);
  });
});

describe('modes', () => {
  it.each([
    ['its own mode', { mode: 'observe' as const }, 100],
    ['its place outside the enforced share', {}, 0],
  ])('observed, by %s - dead and recorded, and nothing is done', async (_by, settings, enforcePercent) => {
    world.ports = { ...world.ports, settings: { ...world.ports.settings, enforcePercent } };
    hold(suspected(settings));
    ec2Shows(world.aws, 'stopped');
    expect(await secondLook()).toMatchObject({
      receipt: { verdict: 'dead', reason: 'stopped', act: 'withheld' },
    });
    expect(claimWrites()).toHaveLength(0);
    expect(sent('restart')).toHaveLength(0);
    expect(told()).toContainEqual(
      expect.objectContaining({ type: 'restart.withheld', verdictId: VERDICT, wouldHave: 'started' }),
    );
  });

  it('approve - the claim waits for a yes, and the news says so', async () => {
    hold(suspected({ mode: 'approve' }));
    ec2Shows(world.aws, 'stopped');
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'dead', act: 'awaits-approval' } });
    expect(claimWrites()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      step: 'awaiting-approval',
    });
    expect(told().map(({ type }) => type)).toContain('restart.awaiting-approval');
  });

  it('enforce - the restart is sent', async () => {
    hold(suspected());
    ec2Shows(world.aws, 'stopped');
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'dead', act: 'restart' } });
    expect(sent('restart')).toHaveLength(1);
  });
});

describe('quarantine', () => {
  it('the budget is spent - quarantined under the guards of a claim, paged, and busy', async () => {
    hold(suspected({}, { recentRestartsMs: [NOW_MS - 900_000, NOW_MS - 600_000, NOW_MS - 300_000] }));
    ec2Shows(world.aws, 'stopped');
    expect(await secondLook()).toMatchObject({
      receipt: { verdict: 'busy', reason: 'restart-budget-spent' },
    });
    expect(updates()[0]?.UpdateExpression).toContain('SET quarantine = :finding');
    expect(updates()[0]?.ConditionExpression).toContain('attribute_not_exists(quarantine)');
    expect(counted()).toContain('WorkspaceQuarantined');
    expect(told()).toContainEqual(expect.objectContaining({ type: 'workspace.quarantined', restarts: 3 }));
  });

  it('quarantined - no claim and no second piece of news, however often it is found dead', async () => {
    const quarantine = {
      verdictId: '01KAEARLERAAAAAAAAAAAAAAAA',
      atMs: NOW_MS - 1,
      because: 'start-refused',
    };
    hold(suspected({}, { quarantine }));
    ec2Shows(world.aws, 'stopped');
    expect(await secondLook()).toMatchObject({ receipt: { verdict: 'busy', reason: 'quarantined' } });
    expect(claimWrites()).toHaveLength(0);
    expect(told().map(({ type }) => type)).toEqual(['verdict.final']);
  });

  it('quarantined between the look and the claim - the claim itself refuses', async () => {
    hold(suspected());
    ec2Shows(world.aws, 'stopped');
    await secondLook();
    expect(claimWrites()[0]?.ConditionExpression).toContain('attribute_not_exists(quarantine)');
  });
});

describe("a person's stop", () => {
  const stoppedByApi = () =>
    world.aws.ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        {
          Instances: [
            {
              InstanceId: INSTANCE,
              State: { Name: 'stopped' },
              LaunchTime: new Date(NOW_MS - 7_200_000),
              StateReason: { Code: 'Client.UserInitiatedShutdown' },
              StateTransitionReason: 'User initiated (2026-11-24 11:55:00 GMT)',
            },
          ],
        },
      ],
    });

  it('respected - busy, and no claim; the reason is in the receipt', async () => {
    hold(suspected({ respectManualStop: true }));
    stoppedByApi();
    const { receipt } = await secondLook();
    expect(receipt).toMatchObject({ verdict: 'busy', reason: 'stopped-by-person' });
    expect(receipt?.looks.at(-1)?.facts.probe).toMatchObject({
      stateReason: 'Client.UserInitiatedShutdown',
      stoppedAtMs: NOW_MS - 300_000,
    });
    expect(claimWrites()).toHaveLength(0);
  });

  it("not asked for - restarted as ever: EC2's reason expresses no wish", async () => {
    hold(suspected());
    stoppedByApi();
    await secondLook();
    expect(claimWrites()).toHaveLength(1);
  });

  it("it was Defib's own stop - restarted", async () => {
    hold(suspected({ respectManualStop: true }, { lastStopMs: NOW_MS - 301_000 }));
    stoppedByApi();
    await secondLook();
    expect(claimWrites()).toHaveLength(1);
  });
});
