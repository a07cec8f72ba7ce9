/** How the brake closes: by the sweep, and by the operator. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { brakeWorld, dead, openBrake, ramp, size, slot } from './brake-world.ts';
import { claimed, TOKEN } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

const world = brakeWorld();
const { hold, settle, sweep, orders, written, acts, told, counted } = world;

describe('the sweep', () => {
  it('the brake is open - it is counted each time, so that the alarm stands', async () => {
    hold(aStoredWorkspace(), [openBrake(), size]);
    await sweep();
    expect(counted()).toContain('BrakeOpen');
    expect(written()).toEqual([]);
  });

  it('it has cooled down - closed, with a canary first, and the news goes out', async () => {
    hold(aStoredWorkspace(), [openBrake({ closesAtMs: NOW_MS, deaths: dead(9) }), size]);
    await sweep();
    expect(written()).toMatchObject([
      { brake: 'closed', deaths: [], forgivenUntilMs: NOW_MS, ramp: { size: 1, running: [] } },
    ]);
    expect(told()).toMatchObject([{ type: 'brake.closed', reason: 'cooled-down' }]);
    expect(counted()).not.toContain('BrakeOpen');
  });

  it.each([
    [1, 'closed by this very sweep: the next one is a minute away (V9)', 1],
    [2, 'closed by this very sweep', 1],
    [3, 'left to the next sweep', 0],
  ])('somebody else writes the fleet %i times meanwhile - %s', async (times, _what, closed) => {
    hold(aStoredWorkspace(), [openBrake({ closesAtMs: NOW_MS, deaths: dead(9) }), size]);
    let left = times;
    world.aws.dynamo.on(PutCommand).callsFake(() => {
      left -= 1;
      if (left >= 0) throw conditionFailed();
      return {};
    });
    await sweep();
    expect(told().filter(({ type }) => type === 'brake.closed')).toHaveLength(closed);
  });

  it('a canary whose claim has ended without a word - its turn goes to another, and no slot leaks', async () => {
    hold(aStoredWorkspace(), [
      fleetItem({ ramp: ramp({ running: [TOKEN] }), admitted: { [TOKEN]: slot } }),
      size,
    ]);
    await sweep();
    expect(written()).toMatchObject([{ brake: 'closed', admitted: {}, ramp: { running: [], done: 0 } }]);
  });
});

describe("the operator's routes", () => {
  it('release - closed at once, a canary first, and the log says who', async () => {
    hold(aStoredWorkspace(), [openBrake({ deaths: dead(9) }), size]);
    expect(await orders('POST /fleet/brake/release', '')).toMatchObject({ status: 200 });
    expect(written()).toMatchObject([{ brake: 'closed', ramp: { size: 1 }, forgivenUntilMs: NOW_MS }]);
    expect(told()).toMatchObject([{ type: 'brake.closed', reason: 'released', by: 'role/operator' }]);
  });

  it('release of a closed brake - changes nothing and tells nothing', async () => {
    hold(aStoredWorkspace(), [fleetItem({ ramp: ramp({ size: 4 }) }), size]);
    expect(await orders('POST /fleet/brake/release', '')).toMatchObject({ status: 200 });
    expect(written()).toMatchObject([{ brake: 'closed', ramp: { size: 4 } }]);
    expect(told()).toEqual([]);
  });

  it('resume after a pause - what waits is asked about anew: it is probed before it is started', async () => {
    hold(claimed(), [fleetItem({ admitted: { [TOKEN]: slot } }), size]);
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
    await orders('DELETE /fleet/pause', '');
    await settle();
    expect(acts()).toBe(0);
  });

  it('a pause - nobody is restarted until it ends', async () => {
    const pause = { by: 'role/operator', reason: 'storm', untilMs: NOW_MS + 1 };
    hold(claimed(), [fleetItem({ pause, admitted: { [TOKEN]: slot } }), size]);
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(acts()).toBe(0);
    hold(claimed(), [fleetItem({ pause: { ...pause, untilMs: NOW_MS }, admitted: { [TOKEN]: slot } }), size]);
    await settle();
    expect(acts()).toBe(1);
  });
});
