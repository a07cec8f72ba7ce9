import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { claimed, LAUNCHED_MS } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, settle, updates, stops, acts, news, counted, ended, ec2Stops } = world;

describe('a silent agent on a running instance', () => {
  const silent = { kind: 'silent' as const, reason: 'silent', settleUntilMs: NOW_MS + 60_000 };

  it('is stopped once, and only if no settle window was announced since', async () => {
    hold(claimed(silent, { settleUntilMs: NOW_MS + 60_000 }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    ec2Stops();
    await settle();
    expect(stops()).toBe(1);
    expect(updates()[0]?.ConditionExpression).toContain('attribute_not_exists(claim.heardAtMs)');
    expect(updates()[0]?.ConditionExpression).toContain('settleUntilMs <= :claimSettle');
  });

  it('was heard after the claim - a false alarm: nothing is stopped, and its boot counts again', async () => {
    hold(claimed({ ...silent, heardAtMs: NOW_MS - 500 }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(0);
    expect(ended()[0]?.UpdateExpression).toContain('retiredBootId');
    expect(counted()).toContain('RestartUnjustified');
  });

  it('a change was announced after the claim - waits until that window has ended', async () => {
    hold(claimed(silent, { settleUntilMs: NOW_MS + 90_000 }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(stops()).toBe(0);
  });
});

describe('the softer step for a silent agent', () => {
  const silent = claimed({ kind: 'silent' }, { settings: { softRestartSeconds: 60 } });

  it('is intended under the last look of a Stop, then told, and nothing else is done', async () => {
    hold(silent);
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 3 });
    const intent = updates().at(-1);
    expect(intent?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      step: 'admitted',
      softUntilMs: NOW_MS + 60_000,
    });
    expect(intent?.ConditionExpression).toContain('heartbeat.bootId = :bootId');
    expect(intent?.ConditionExpression).toContain('desired = :running');
    expect(intent?.ConditionExpression).toContain('attribute_not_exists(claim.heardAtMs)');
    expect(news()).toEqual(['restart.soft']);
    expect(acts()).toBe(0);
  });

  it('another copy was faster, or the brake is open - nothing is told', async () => {
    hold(silent);
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 1 });
    hold(silent, [fleetItem({ brake: 'open' })]);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(news()).toEqual([]);
  });

  it('the agent came back - the claim ends as done, its old boot stays retired, and nothing was stopped', async () => {
    const heard = { heardAtMs: NOW_MS - 1, heardBootId: 'boot-b', softUntilMs: NOW_MS + 1 };
    hold(claimed({ kind: 'silent', ...heard }, { settings: { softRestartSeconds: 60 } }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(ended()[0]?.UpdateExpression).not.toContain('retiredBootId');
    expect(news()).toEqual(['restart.done']);
    expect(counted()).toContain('RestartJustified');
    expect(stops()).toBe(0);
  });
});

describe('an order by an operator', () => {
  const order = { kind: 'operator' as const, step: 'admitted' as const, reason: 'please' };

  it('running and still the condemned boot - stopped once, behind its own intent that names the boot', async () => {
    hold(claimed(order));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    ec2Stops();
    await settle();
    expect(stops()).toBe(1);
    expect(updates()[0]?.ConditionExpression).toContain('heartbeat.bootId = :bootId');
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      step: 'stop-issued',
      stopLeaseUntilMs: NOW_MS + 20_000,
    });
    expect(updates()[1]?.ExpressionAttributeValues?.[':claim']).toMatchObject({ step: 'stop-recorded' });
  });

  it('a new boot was heard since the order - never stopped: the agent has restarted by itself', async () => {
    hold(claimed({ ...order, heardAtMs: NOW_MS - 500, heardBootId: 'boot-b' }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(0);
    expect(ended()).toHaveLength(1);
  });

  it('only the condemned boot was heard - stopped all the same: an order ignores heartbeats', async () => {
    hold(claimed({ ...order, heardAtMs: NOW_MS - 500, heardBootId: 'boot-a' }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(1);
  });

  it('the LaunchTime has moved since the order - never stopped: it is the result', async () => {
    hold(claimed(order));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 1000 });
    await settle();
    expect(stops()).toBe(0);
  });

  it.each(['stop-issued', 'stop-recorded', 'start-issued', 'starting'] as const)(
    'still running in step %s - no second Stop, whatever came of the first',
    async (step) => {
      hold(claimed({ ...order, step, stopLeaseUntilMs: NOW_MS - 60_000 }));
      ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
      await settle();
      expect(stops()).toBe(0);
    },
  );
});
