/** Claims that the brake holds back for longer than a restart may take. */
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { brakeWorld, openBrake, size, slot } from './brake-world.ts';
import { claimed, TOKEN } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

const world = brakeWorld();
const { hold, settle, claims, written, acts, told, counted } = world;

describe('a claim that has to wait longer than its time', () => {
  const late = { deadlineMs: NOW_MS, sinceMs: NOW_MS - 900_000 };

  it.each(['awaiting-admission', 'admitted'] as const)(
    'under a brake that stays open, at %s - is looked at anew and waits on: same claim, same death, nothing held',
    async (step) => {
      hold(claimed({ ...late, step }), [
        openBrake({ admitted: step === 'admitted' ? { [TOKEN]: slot } : {} }),
        size,
      ]);
      ec2Shows(world.aws, 'stopped');
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
      expect(claims()).toMatchObject([
        { step: 'awaiting-admission', deadlineMs: NOW_MS + 900_000, sinceMs: late.sinceMs, token: TOKEN },
      ]);
      expect(written().map((item): unknown => item['admitted'])).toEqual(step === 'admitted' ? [{}] : []);
      expect(counted()).toEqual(['RestartHeldBack']);
      expect(told()).toEqual([]);
      expect(acts()).toBe(0);
    },
  );

  it('and runs by then - a false alarm, and no act', async () => {
    hold(claimed({ ...late, step: 'awaiting-admission' }), [openBrake(), size]);
    ec2Shows(world.aws, 'running');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(told()).toMatchObject([{ type: 'restart.done', outcome: 'false-alarm' }]);
    expect(acts()).toBe(0);
  });

  it('another copy of its message was faster - nothing is given back for it', async () => {
    hold(claimed({ ...late, step: 'admitted' }), [openBrake({ admitted: { [TOKEN]: slot } }), size]);
    ec2Shows(world.aws, 'stopped');
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await settle();
    expect(written()).toEqual([]);
    expect(counted()).toEqual([]);
  });

  it.each([
    ['stop-recorded', 449_999, [NOW_MS + 900_000]],
    ['stop-recorded', 450_000, []],
    ['admitted', 1, []],
  ] as const)(
    'at %s with %i ms left, the brake open - what Defib itself has stopped is not given up for that: new deadlines %j',
    async (step, leftMs, deadlines) => {
      hold(claimed({ step, deadlineMs: NOW_MS + leftMs }), [openBrake(), size]);
      ec2Shows(world.aws, 'stopped');
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
      expect(claims().map(({ deadlineMs }) => deadlineMs)).toEqual(deadlines);
      expect(acts()).toBe(0);
    },
  );

  it('without capacity, its slot given back - acts again only with a new one', async () => {
    const waited = { step: 'start-issued', attempt: 3, waitsFor: 'capacity', notBeforeMs: NOW_MS } as const;
    const others = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, slot]));
    hold(claimed(waited), [fleetItem({ admitted: others }), size]);
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(acts()).toBe(0);
    hold(claimed(waited), [fleetItem(), size]);
    await settle();
    expect(acts()).toBe(1);
    expect(written().at(-1)).toMatchObject({ admitted: { [TOKEN]: { workspaceId: 'ws-1' } } });
  });

  it('a slot that has lapsed - is none: another may have it by now', async () => {
    const lapsed = { [TOKEN]: { ...slot, deadlineMs: NOW_MS } };
    const others = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, slot]));
    hold(claimed(), [fleetItem({ admitted: { ...lapsed, ...others } }), size]);
    ec2Shows(world.aws, 'stopped');
    await settle();
    expect(acts()).toBe(0);
  });
});
