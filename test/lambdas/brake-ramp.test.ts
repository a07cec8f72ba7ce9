/** The way back after the brake: one canary, then two, then more. */
import { describe, expect, it } from 'vitest';
import { brakeWorld, ramp, size, slot, waiting } from './brake-world.ts';
import { claimed, LAUNCHED_MS, newBeat, TOKEN } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { aClaim, ec2Shows, NOW_MS } from './mocked-aws.ts';

const world = brakeWorld();
const { hold, settle, claims, admissions, written, acts, probes, told, counted, ec2Refuses } = world;

describe('the ramp', () => {
  it('the canary is under way - the next waits, and asks again soon', async () => {
    hold(waiting(), [fleetItem({ ramp: ramp({ running: ['other'] }), forgivenUntilMs: NOW_MS }), size]);
    expect(await settle({}, { receives: 9 })).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(admissions()).toEqual([]);
  });

  it('an instance that runs by then - is probed when it is admitted, and not started', async () => {
    hold(claimed(), [fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot } }), size]);
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(acts()).toBe(0);
    expect(probes()).toBe(1);
    expect(written()).toMatchObject([
      { brake: 'closed', ramp: { size: 1, running: [], done: 0 }, admitted: {} },
    ]);
  });

  it('a slot from before the storm - acts only when its turn has come', async () => {
    const before = { admitted: { [TOKEN]: slot }, forgivenUntilMs: NOW_MS };
    hold(claimed(), [fleetItem({ ...before, ramp: ramp({ running: ['other'] }) }), size]);
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(acts()).toBe(0);
    hold(claimed(), [fleetItem({ ...before, ramp: ramp() }), size]);
    await settle();
    expect(written()).toMatchObject([{ ramp: { running: [TOKEN] } }]);
    expect(acts()).toBe(1);
  });

  it('the canary beats - the next two may go', async () => {
    hold(claimed({ step: 'starting', startedAtMs: NOW_MS - 5000 }, { heartbeat: newBeat }), [
      fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot } }),
      size,
    ]);
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 5000 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(written()).toMatchObject([
      { brake: 'closed', admitted: {}, ramp: { size: 2, running: [], done: 0 } },
    ]);
  });

  it('the canary meets no capacity - its turn goes to another: that says nothing of the way back', async () => {
    hold(claimed(), [
      fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot }, forgivenUntilMs: NOW_MS }),
      size,
    ]);
    ec2Shows(world.aws, 'stopped');
    ec2Refuses('start', 'InsufficientInstanceCapacity');
    expect(await settle()).toMatchObject({ kind: 'again', afterSeconds: 30 });
    expect(written()).toMatchObject([
      { brake: 'closed', admitted: {}, ramp: { size: 1, running: [], done: 0 } },
    ]);
    expect(told()).toEqual([]);
  });

  it('its workspace is paused, or an announced change settles - its turn goes to another, and the brake stays closed', async () => {
    const its = fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot } });
    for (const changes of [
      { pause: { by: 'role/operator', reason: 'look' } },
      { settleUntilMs: NOW_MS + 600_000, claim: { ...aClaim(), settleUntilMs: NOW_MS } },
    ]) {
      world.aws.dynamo.resetHistory();
      hold(claimed({}, changes), [its, size]);
      ec2Shows(world.aws, 'stopped');
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(written()).toMatchObject([{ brake: 'closed', admitted: {}, ramp: { running: [], done: 0 } }]);
      expect(claims().map(({ step }) => step)).toEqual(['awaiting-admission']);
    }
  });

  it('the canary fails - the brake opens again, with one page', async () => {
    hold(claimed({ step: 'start-issued', attempt: 1, deadlineMs: NOW_MS }), [
      fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot } }),
      size,
    ]);
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'canary-failed', admitted: {} }]);
    expect(told()).toContainEqual(
      expect.objectContaining({
        type: 'brake.opened',
        cause: 'canary-failed',
        because: 'the restart of ws-1 failed: deadline',
      }),
    );
    expect(counted()).toContain('BrakeOpened');
  });
});
