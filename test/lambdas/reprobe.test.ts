import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../core/workspace.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from './calls.ts';
import { aReprobeMessage, evidenceOf, receiptItem, VERDICT } from './claimed.ts';
import { aClaim, aStoredWorkspace, ec2Shows, itemOf, NOW_MS, QUEUE } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, reprobes, updates, puts, claimWrites, probes, sent } = world;
const evidence = evidenceOf();

const lastReceipt = () =>
  puts().at(-1)?.Item?.['receipt'] as { verdict: string; reason: string; intent?: string } | undefined;

describe('the second look', () => {
  it('stopped again, nothing else changed - claims with every guard, then asks for one restart', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    expect(await reprobes()).toEqual({ kind: 'done' });
    expect(claimWrites()).toHaveLength(1);
    const condition = claimWrites()[0]?.ConditionExpression ?? '';
    for (const clause of [
      'generation = :generation',
      'instanceId = :instanceId',
      'desired = :running',
      'attribute_not_exists(claim)',
      'evidence.verdictId = :verdictId',
      'settleUntilMs <= :settledBefore',
      'freshUntilMs < :staleBefore',
      'attribute_not_exists(pause) OR pause.untilMs <= :pauseEnd',
      'heartbeat.bootId = :bootId',
      'heartbeat.seq = :seq',
    ]) {
      expect(condition).toContain(clause);
    }
    expect(claimWrites()[0]?.ExpressionAttributeValues).toMatchObject({
      ':settledBefore': NOW_MS - 5000,
      ':staleBefore': NOW_MS - 5000,
      ':nextGeneration': 4,
      ':retired': 'boot-a',
      ':claim': { token: VERDICT, step: 'awaiting-admission' },
    });
    expect(sent('restart')).toMatchObject([{ token: VERDICT, generation: 4 }]);
    expect(lastReceipt()).toMatchObject({ verdict: 'dead', reason: 'stopped' });
  });

  it('the receipt says dead by intent before the claim, and is final only after it', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    const order: string[] = [];
    world.aws.dynamo
      .on(PutCommand)
      .callsFake(
        (input: { Item: { final: boolean } }) => void order.push(`final ${String(input.Item.final)}`),
      );
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (input.UpdateExpression.startsWith('SET claim =')) order.push('claim');
      return {};
    });
    await reprobes();
    expect(order).toEqual(['final false', 'claim', 'final true']);
  });

  it('running - alive, the evidence is removed, nothing is restarted', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'running');
    expect(await reprobes()).toEqual({ kind: 'done' });
    expect(lastReceipt()).toMatchObject({ verdict: 'alive' });
    expect(updates().some((update) => update.UpdateExpression?.startsWith('REMOVE evidence'))).toBe(true);
    expect(claimWrites()).toHaveLength(0);
  });

  it('a beat came since the first look - busy, nothing is restarted', async () => {
    const beat = { atMs: NOW_MS - 500, seq: 42, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 };
    hold(aStoredWorkspace({ evidence, heartbeat: beat, freshUntilMs: NOW_MS + 14_500 }));
    ec2Shows(world.aws, 'stopped');
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'heartbeat-fresh' });
    expect(claimWrites()).toHaveLength(0);
  });

  it('EC2 throttles - waits and looks again, and is busy when the chain has become old', async () => {
    hold(aStoredWorkspace({ evidence }));
    world.aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
    expect(await reprobes()).toMatchObject({ kind: 'again' });
    expect(claimWrites()).toHaveLength(0);
  });

  it('EC2 fails otherwise - busy, never dead', async () => {
    hold(aStoredWorkspace({ evidence }));
    world.aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'InternalError' }));
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'probe-inconclusive' });
  });

  it('the evidence is too old - written anew as of the end of the second that the database tells, looked at again in 2 s', async () => {
    hold(aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 31_000 } }));
    ec2Shows(world.aws, 'stopped');
    expect(await reprobes()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(claimWrites()).toHaveLength(0);
    expect(updates()[0]?.ExpressionAttributeValues?.[':evidence']).toMatchObject({
      round: 1,
      atMs: NOW_MS + 1000,
    });
  });

  it('the evidence went void for the sixth time - busy', async () => {
    hold(aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 31_000, round: 5 } }));
    ec2Shows(world.aws, 'stopped');
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'evidence-kept-changing' });
  });

  it('the evidence is not 2 s old by the clock of this function - waits', async () => {
    hold(aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 1999 } }));
    ec2Shows(world.aws, 'stopped');
    expect(await reprobes()).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(claimWrites()).toHaveLength(0);
  });

  it('the message waits by visibility since a while - the time of this run counts, not of its first receive', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    expect(
      await reprobes({}, { receives: 2, sentAtMs: NOW_MS - 2500, firstReceivedAtMs: NOW_MS - 2100 }),
    ).toEqual({
      kind: 'done',
    });
    expect(claimWrites()).toHaveLength(1);
  });

  it('our own clock is fast, and nothing else says how late it is - no claim', async () => {
    hold(aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 1000 } }));
    ec2Shows(world.aws, 'stopped');
    world.ports.clock.advance(4000);
    await reprobes();
    expect(claimWrites()).toHaveLength(0);
  });

  it('no workspace, another generation, another instance - busy, no probe, nothing is restarted', async () => {
    for (const changes of [
      { generation: 2 },
      { instanceId: 'i-0ffffffffffffffff' },
      { workspaceId: 'ws-gone' },
    ]) {
      hold(aStoredWorkspace({ evidence }));
      expect(await reprobes(changes)).toEqual({ kind: 'done' });
      expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'workspace-changed' });
    }
    expect(probes()).toBe(0);
    expect(claimWrites()).toHaveLength(0);
  });
});

describe('the claim', () => {
  const refuseClaim = (item: Record<string, unknown>) => {
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET claim =')) return {};
      throw conditionFailed(item);
    });
  };

  it('lost - busy, and nothing is restarted', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    refuseClaim(itemOf(aStoredWorkspace({ evidence, freshUntilMs: NOW_MS + 10_000 })));
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    expect(sent('restart')).toHaveLength(0);
  });

  it('refused with our own token in the item - it was won, and only the answer was lost', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    refuseClaim(itemOf(aStoredWorkspace({ generation: 4, claim: ownClaim() })));
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'dead' });
    expect(sent('restart')).toHaveLength(1);
  });

  it('the message is delivered again after the claim was won - it carries on with its own claim, no second claim', async () => {
    hold(aStoredWorkspace({ generation: 4, claim: ownClaim() }), [
      receiptItem({ verdict: 'dead', intent: 'dead' }),
    ]);
    await reprobes({}, { receives: 2 });
    expect(claimWrites()).toHaveLength(0);
    expect(sent('restart')).toHaveLength(1);
  });

  it('three restarts within half an hour - no fourth: busy, restart-budget-spent', async () => {
    const recentRestartsMs = [NOW_MS - 900_000, NOW_MS - 600_000, NOW_MS - 300_000];
    hold(aStoredWorkspace({ evidence, recentRestartsMs }));
    ec2Shows(world.aws, 'stopped');
    await reprobes();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'restart-budget-spent' });
    expect(claimWrites()).toHaveLength(0);
  });

  it('the restart queue cannot be reached - the message is seen again, so that the claim goes on', async () => {
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped');
    world.aws.sqs.on(SendMessageCommand, { QueueUrl: QUEUE.restart }).rejects(new Error('no queue'));
    expect(await reprobes()).toBeUndefined();
  });
});

describe('a batch', () => {
  it('ten workspaces - one DescribeInstances for all of them', async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `ws-${i}`);
    const workspaces = ids.map((workspaceId, i) =>
      aStoredWorkspace({ workspaceId, instanceId: `i-0123456789abcde${String(i).padStart(2, '0')}` }),
    );
    const [first, ...others] = workspaces;
    if (!first) throw new Error('there are ten');
    hold(first, others.map(itemOf));
    world.aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    const messages = workspaces.map(({ workspaceId, instanceId }, i) =>
      received(aReprobeMessage({ workspaceId, instanceId }), { id: `m-${i}` }),
    );
    const settled = await handleReprobes(messages, world.ports);
    expect(settled.size).toBe(10);
    expect(probes()).toBe(1);
  });
});

const ownClaim = (): Claim => ({ ...aClaim(), token: VERDICT, step: 'awaiting-admission' });

describe('a sandbox that stands still between its look and its judgement', () => {
  it.each([
    [10_000, 'dead'],
    [10_001, 'busy'],
  ])('for %i ms - %s: an older look is no news, and nobody dies of it (S4)', async (frozenMs, verdict) => {
    let nowMs = NOW_MS;
    hold(aStoredWorkspace({ evidence }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: NOW_MS - 7_200_000 });
    const look = world.ports.ec2.look.bind(world.ports.ec2);
    const freezes = async (ids: readonly string[]) => {
      const seen = await look(ids);
      nowMs += frozenMs;
      return seen;
    };
    const clock = { ...world.ports.clock, nowMs: () => nowMs };
    await handleReprobes([received(aReprobeMessage())], { ...world.ports, clock, ec2: { look: freezes } });
    expect(claimWrites()).toHaveLength(verdict === 'dead' ? 1 : 0);
    expect(lastReceipt()).toMatchObject({ verdict });
  });
});
