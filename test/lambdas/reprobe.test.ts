import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ReprobeMessage } from '../../core/messages.ts';
import type { Evidence } from '../../core/workspace.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from './calls.ts';
import {
  aStoredWorkspace,
  ec2Shows,
  holds,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
} from './mocked-aws.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
const message: ReprobeMessage = {
  v: 1,
  kind: 'reprobe',
  workspaceId: 'ws-1',
  instanceId: 'i-0123456789abcdef0',
  generation: 3,
  epoch: 0,
  verdictId: VERDICT,
  errorKind: 'refused',
};
const evidence: Evidence = {
  kind: 'stopped',
  verdictId: VERDICT,
  atMs: NOW_MS - 2000,
  generation: 3,
  instanceId: 'i-0123456789abcdef0',
  bootId: 'boot-a',
  seq: 41,
  launchTimeMs: NOW_MS - 7_200_000,
  round: 0,
};

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
const claims = () => updates().filter((update) => update.UpdateExpression?.startsWith('SET claim ='));
const restarts = () =>
  aws.sqs.commandCalls(SendMessageCommand).filter((call) => call.args[0].input.QueueUrl === QUEUE.restart);
const lastReceipt = () => {
  const puts = aws.dynamo.commandCalls(PutCommand).map((call) => call.args[0].input.Item);
  return puts.at(-1)?.['receipt'] as { verdict: string; reason: string; intent?: string } | undefined;
};
const settle = async (changes = {}) =>
  (await handleReprobes([received(message, changes)], ports)).get('message-1');

describe('the second look', () => {
  it('stopped again, nothing else changed - claims with every guard, then asks for one restart', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(claims()).toHaveLength(1);
    const condition = claims()[0]?.ConditionExpression ?? '';
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
    expect(claims()[0]?.ExpressionAttributeValues).toMatchObject({
      ':settledBefore': NOW_MS - 5000,
      ':staleBefore': NOW_MS - 5000,
      ':nextGeneration': 4,
      ':retired': 'boot-a',
      ':claim': { token: VERDICT, step: 'awaiting-admission' },
    });
    expect(restarts()).toHaveLength(1);
    expect(JSON.parse(restarts()[0]?.args[0].input.MessageBody ?? '')).toMatchObject({
      token: VERDICT,
      generation: 4,
    });
    expect(lastReceipt()).toMatchObject({ verdict: 'dead', reason: 'stopped' });
  });

  it('the receipt says dead by intent before the claim, and is final only after it', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    const order: string[] = [];
    aws.dynamo
      .on(PutCommand)
      .callsFake(
        (input: { Item: { final: boolean } }) => void order.push(`final ${String(input.Item.final)}`),
      );
    aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (input.UpdateExpression.startsWith('SET claim =')) order.push('claim');
      return {};
    });
    await settle();
    expect(order).toEqual(['final false', 'claim', 'final true']);
  });

  it('running - alive, the evidence is removed, nothing is restarted', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'running');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(lastReceipt()).toMatchObject({ verdict: 'alive' });
    expect(updates().some((update) => update.UpdateExpression?.startsWith('REMOVE evidence'))).toBe(true);
    expect(claims()).toHaveLength(0);
  });

  it('a beat came since the first look - busy, nothing is restarted', async () => {
    const beat = { atMs: NOW_MS - 500, seq: 42, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 };
    holds(aws, aStoredWorkspace({ evidence, heartbeat: beat, freshUntilMs: NOW_MS + 14_500 }));
    ec2Shows(aws, 'stopped');
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'heartbeat-fresh' });
    expect(claims()).toHaveLength(0);
  });

  it('EC2 throttles - waits and looks again, and is busy when the chain has become old', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(claims()).toHaveLength(0);
  });

  it('EC2 fails otherwise - busy, never dead', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'InternalError' }));
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'probe-inconclusive' });
  });

  it('the evidence is too old - written anew as of the end of the second that the database tells, looked at again in 2 s', async () => {
    holds(aws, aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 31_000 } }));
    ec2Shows(aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(claims()).toHaveLength(0);
    expect(updates()[0]?.ExpressionAttributeValues?.[':evidence']).toMatchObject({
      round: 1,
      atMs: NOW_MS + 1000,
    });
  });

  it('the evidence went void for the sixth time - busy', async () => {
    holds(aws, aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 31_000, round: 5 } }));
    ec2Shows(aws, 'stopped');
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'evidence-kept-changing' });
  });

  it('the evidence is not 2 s old by the clock of this function - waits', async () => {
    holds(aws, aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 1999 } }));
    ec2Shows(aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(claims()).toHaveLength(0);
  });

  it('the message waits by visibility since a while - the time of this run counts, not of its first receive', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    expect(await settle({ receives: 2, sentAtMs: NOW_MS - 2500, firstReceivedAtMs: NOW_MS - 2100 })).toEqual({
      kind: 'done',
    });
    expect(claims()).toHaveLength(1);
  });

  it('our own clock is fast, and nothing else says how late it is - no claim', async () => {
    holds(aws, aStoredWorkspace({ evidence: { ...evidence, atMs: NOW_MS - 1000 } }));
    ec2Shows(aws, 'stopped');
    ports.clock.advance(4000);
    await settle();
    expect(claims()).toHaveLength(0);
  });

  it('no workspace, another generation, another instance - busy, no probe, nothing is restarted', async () => {
    for (const changes of [
      { generation: 2 },
      { instanceId: 'i-0ffffffffffffffff' },
      { workspaceId: 'ws-gone' },
    ]) {
      holds(aws, aStoredWorkspace({ evidence }));
      const settled = await handleReprobes([received({ ...message, ...changes })], ports);
      expect(settled.get('message-1')).toEqual({ kind: 'done' });
      expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'workspace-changed' });
    }
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(0);
    expect(claims()).toHaveLength(0);
  });
});

describe('the claim', () => {
  const refuseClaim = (item: Record<string, unknown>) => {
    aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET claim =')) return {};
      throw new ConditionalCheckFailedException({ message: 'no', $metadata: {}, Item: marshall(item) });
    });
  };

  it('lost - busy, and nothing is restarted', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    refuseClaim(itemOf(aStoredWorkspace({ evidence, freshUntilMs: NOW_MS + 10_000 })));
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'claim-lost' });
    expect(restarts()).toHaveLength(0);
  });

  it('refused with our own token in the item - it was won, and only the answer was lost', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    refuseClaim(itemOf(aStoredWorkspace({ generation: 4, claim: ownClaim() })));
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'dead' });
    expect(restarts()).toHaveLength(1);
  });

  it('the message is delivered again after the claim was won - it carries on with its own claim, no second claim', async () => {
    holds(aws, aStoredWorkspace({ generation: 4, claim: ownClaim() }), [
      {
        pk: 'WS#ws-1',
        sk: `VERDICT#${VERDICT}`,
        receipt: { verdictId: VERDICT, workspaceId: 'ws-1', verdict: 'dead', intent: 'dead', looks: [] },
      },
    ]);
    await settle({ receives: 2 });
    expect(claims()).toHaveLength(0);
    expect(restarts()).toHaveLength(1);
  });

  it('three restarts within half an hour - no fourth: busy, restart-budget-spent', async () => {
    const recentRestartsMs = [NOW_MS - 900_000, NOW_MS - 600_000, NOW_MS - 300_000];
    holds(aws, aStoredWorkspace({ evidence, recentRestartsMs }));
    ec2Shows(aws, 'stopped');
    await settle();
    expect(lastReceipt()).toMatchObject({ verdict: 'busy', reason: 'restart-budget-spent' });
    expect(claims()).toHaveLength(0);
  });

  it('the restart queue cannot be reached - the message is seen again, so that the claim goes on', async () => {
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    aws.sqs.on(SendMessageCommand, { QueueUrl: QUEUE.restart }).rejects(new Error('no queue'));
    expect(await settle()).toBeUndefined();
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
    holds(aws, first, others.map(itemOf));
    aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    const messages = workspaces.map(({ workspaceId, instanceId }, i) =>
      received({ ...message, workspaceId, instanceId }, { id: `m-${i}` }),
    );
    const settled = await handleReprobes(messages, ports);
    expect(settled.size).toBe(10);
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
  });
});

function ownClaim() {
  return {
    token: VERDICT,
    kind: 'dead' as const,
    reason: 'stopped',
    step: 'awaiting-admission' as const,
    attempt: 0,
    epoch: 0,
    sinceMs: NOW_MS,
    deadlineMs: NOW_MS + 900_000,
    instanceId: 'i-0123456789abcdef0',
    forced: false,
  };
}

describe('a sandbox that stands still between its look and its judgement', () => {
  it.each([
    [10_000, 'dead'],
    [10_001, 'busy'],
  ])('for %i ms - %s: an older look is no news, and nobody dies of it (S4)', async (frozenMs, verdict) => {
    let nowMs = NOW_MS;
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped', { launchTimeMs: NOW_MS - 7_200_000 });
    const look = ports.ec2.look.bind(ports.ec2);
    const freezes = async (ids: readonly string[]) => {
      const seen = await look(ids);
      nowMs += frozenMs;
      return seen;
    };
    const clock = { ...ports.clock, nowMs: () => nowMs };
    await handleReprobes([received(message)], { ...ports, clock, ec2: { look: freezes } });
    expect(claims()).toHaveLength(verdict === 'dead' ? 1 : 0);
    expect(lastReceipt()).toMatchObject({ verdict });
  });
});
