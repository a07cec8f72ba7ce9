import { describe, expect, it } from 'vitest';
import { claimed, LAUNCHED_MS } from './claimed.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';

const world = oneWorkspace();
const { hold, settle, updates, starts, news, counted, ec2Starts, ec2Refuses } = world;

describe('EC2 has no capacity, or throttles', () => {
  it.each([
    ['InsufficientInstanceCapacity', 'capacity', 30_000],
    ['RequestLimitExceeded', 'throttle', 3000],
  ])(
    '%s - waits for %s, up to an hour from its begin, and the sweep leaves it alone',
    async (code, waitsFor, waitMs) => {
      hold(claimed());
      ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      ec2Refuses('start', code);
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: waitMs / 1000 });
      expect(updates().at(-1)?.ExpressionAttributeValues).toMatchObject({
        ':claim': {
          step: 'start-issued',
          waitsFor,
          notBeforeMs: NOW_MS + waitMs,
          deadlineMs: NOW_MS - 1000 + 3_600_000,
        },
        ':dueAt': NOW_MS + waitMs + 120_000,
      });
    },
  );

  it('a copy that has not read of the wait - its intent fails, and nothing is called: the wait stands (V4)', async () => {
    hold(claimed({ step: 'start-issued', attempt: 1 }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Refuses('start', 'InsufficientInstanceCapacity');
    await settle();
    expect(updates()[0]?.ConditionExpression).toContain('attribute_not_exists(claim.notBeforeMs)');
    hold(claimed({ step: 'start-issued', attempt: 2, notBeforeMs: NOW_MS - 1, waitsFor: 'capacity' }));
    await settle();
    expect(updates()[2]).toMatchObject({
      ConditionExpression: expect.stringContaining('claim.notBeforeMs = :notBefore') as string,
      ExpressionAttributeValues: { ':notBefore': NOW_MS - 1 },
    });
  });

  it('each time it waits longer, up to five minutes, and never at the same moment as others', async () => {
    const waits: number[] = [];
    for (const attempt of [0, 1, 2, 3, 4, 9]) {
      hold(claimed({ step: 'start-issued', attempt }));
      ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      ec2Refuses('start', 'InsufficientInstanceCapacity');
      const settled = await settle();
      waits.push(settled?.kind === 'again' ? settled.afterSeconds : 0);
    }
    expect(waits).toEqual([30, 60, 120, 240, 300, 300]);
    world.ports = { ...world.ports, ids: { ...world.ports.ids, jitter: () => 1 } };
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 360 });
  });

  it('resumed by the sweep before its time - waits on, and calls nothing', async () => {
    hold(claimed({ step: 'start-issued', attempt: 1, waitsFor: 'capacity', notBeforeMs: NOW_MS + 20_000 }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 20 });
    expect(starts()).toBe(0);
  });

  it('an hour is over - given up with a page, and not quarantined: capacity may come back', async () => {
    hold(claimed({ step: 'start-issued', attempt: 12, waitsFor: 'capacity', deadlineMs: NOW_MS - 1 }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news()).toEqual(['restart.failed']);
    expect(counted()).toContain('RestartFailed');
  });

  it('capacity is back - the success forgets the waiting', async () => {
    hold(claimed({ step: 'start-issued', attempt: 3, waitsFor: 'capacity', notBeforeMs: NOW_MS - 1 }));
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Starts('stopped');
    await settle();
    const claim = updates().at(-1)?.ExpressionAttributeValues?.[':claim'] as object;
    expect(claim).toMatchObject({ step: 'starting' });
    expect(claim).not.toHaveProperty('waitsFor');
  });
});
