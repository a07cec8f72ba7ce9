/** The fault matrix, rows of the brake: each a test of its own, by its number. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { MOST_DEATHS } from '../../core/deaths.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { brakeWorld, dead, openBrake, receiptBy, size, waiting } from './brake-world.ts';
import { apiCall } from './calls.ts';
import { claimed } from './claimed.ts';
import { fleetItem, sizeItem } from './fleet-items.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';

const world = brakeWorld();
const { hold, settle, sweep, admissions, written, acts, told, counted, ec2Tells } = world;

describe('faults', () => {
  it('48: heartbeats are lost fleet-wide, so that everybody looks silent - the brake opens, no act', async () => {
    const silent = dead(8, { isSilent: true, reporter: 'deliver' }).map((death, index) => ({
      ...death,
      reporter: index % 2 === 0 ? 'role/proxy' : 'deliver',
    }));
    hold(waiting({ kind: 'silent' }), [fleetItem({ deaths: silent }), size, receiptBy('deliver')]);
    ec2Shows(world.aws, 'running');
    await settle();
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'deaths' }]);
    expect(told()).toMatchObject([{ type: 'brake.opened', deaths: 9 }]);
    expect(acts()).toBe(0);
  });

  it('49: EC2 is down - the brake opens by the sweep, though no claim asks, and no act', async () => {
    const minute = Math.floor(NOW_MS / 60_000);
    hold(aStoredWorkspace(), [
      fleetItem(),
      size,
      { pk: 'FLEET', sk: `EC2#${minute}`, answered: 3, failed: 9 },
      { pk: 'FLEET', sk: `EC2#${minute - 2}`, failed: 8 },
      { pk: 'FLEET', sk: `EC2#${minute - 3}`, answered: 900 },
    ]);
    await sweep();
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'ec2' }]);
    expect(told()).toMatchObject([
      { type: 'brake.opened', because: '17 of 20 calls to EC2 failed or were throttled' },
    ]);
    expect(acts()).toBe(0);
  });

  it('72: 30 % of the fleet dies in a minute - the brake opens once, and nobody is admitted any more', async () => {
    const state = new Map<string, Record<string, unknown>>([['BRAKE', fleetItem()]]);
    world.aws.dynamo.on(PutCommand).callsFake((input: { Item: Record<string, unknown> }) => {
      state.set('BRAKE', input.Item);
      return {};
    });
    let admittedInAll = 0;
    for (let index = 0; index < 12; index++) {
      const workspaceId = `ws-${index}`;
      const own = `01KACLAIMAAAAAAAAAAAAAAA${String(index).padStart(2, '0')}`;
      const workspace = { ...waiting({ token: own }), workspaceId };
      hold(workspace, [state.get('BRAKE') ?? {}, size]);
      ec2Shows(world.aws, 'stopped');
      await settle({ workspaceId, token: own });
      admittedInAll = Object.keys(state.get('BRAKE')?.['admitted'] as object).length;
    }
    expect(state.get('BRAKE')).toMatchObject({ brake: 'open' });
    expect(state.get('BRAKE')?.['deaths']).toHaveLength(12);
    expect(admittedInAll).toBe(3);
    expect(told().filter(({ type }) => type === 'brake.opened')).toHaveLength(1);
    // Those three were admitted, and do not act any more either.
    const [admitted = ''] = Object.keys(state.get('BRAKE')?.['admitted'] as object);
    hold(claimed({ token: admitted }), [state.get('BRAKE') ?? {}, size]);
    await settle({ token: admitted });
    expect(acts()).toBe(0);
  });

  it('73: all dead are of one zone and one image - the page says so', async () => {
    const common = { zone: 'us-east-1c', image: 'ami-41f' };
    hold(waiting(), [fleetItem({ deaths: dead(8, common) }), size]);
    ec2Tells({ Placement: { AvailabilityZone: 'us-east-1a' }, ImageId: 'ami-41f' });
    await settle();
    expect(told()).toMatchObject([
      {
        type: 'brake.opened',
        inCommon: 'zone us-east-1c (8 of 9), image ami-41f (9 of 9)',
        because:
          '9 workspaces looked dead within 300 s; in common: zone us-east-1c (8 of 9), image ami-41f (9 of 9)',
      },
    ]);
  });

  it('74: one proxy says of most that nobody listens - it is suspected: brake open, nobody restarted on its word', async () => {
    hold(waiting({ kind: 'silent' }), [
      fleetItem({ deaths: dead(4, { isSilent: true, reporter: 'role/proxy' }) }),
      size,
      receiptBy('role/proxy'),
    ]);
    ec2Shows(world.aws, 'running');
    await settle();
    expect(written()).toMatchObject([{ brake: 'open', brakeCause: 'one-reporter', admitted: {} }]);
    expect(told()).toMatchObject([{ type: 'brake.opened', cause: 'one-reporter' }]);
    expect(admissions()).toEqual([]);
  });

  it('75: the fleet item cannot be read - nobody is admitted, nobody acts, the operator sees an open brake, and is paged (S14)', async () => {
    const rubbish = fleetItem({ ramp: { size: 0 } });
    hold(waiting(), [rubbish, size]);
    expect(await settle()).toBeUndefined();
    hold(claimed(), [rubbish, size]);
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toBeUndefined();
    expect(acts()).toBe(0);
    expect(admissions()).toEqual([]);
    await sweep();
    expect(counted()).toContain('BrakeUnreadable');
    expect(written()).toEqual([]);
    const shown = await handleLookup(apiCall('GET /fleet', ''), { ...world.ports, operatorRoles: [] });
    expect(JSON.parse(JSON.stringify(shown))).toMatchObject({
      status: 200,
      body: { brake: { state: 'open', cause: 'unreadable' } },
    });
  });

  it('a fleet of ten thousand - the list of its deaths stays bounded', async () => {
    hold(waiting(), [openBrake({ deaths: dead(MOST_DEATHS) }), sizeItem(10_000)]);
    ec2Shows(world.aws, 'stopped');
    await settle();
    expect(written()[0]?.['deaths']).toHaveLength(MOST_DEATHS);
  });
});
