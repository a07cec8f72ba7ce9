import { describe, expect, it } from 'vitest';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { evidenceOf, TOKEN, VERDICT } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { aClaim, aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { REQUEST, rowItem } from './parked.ts';
import { sweepWorld } from './sweep-world.ts';

const world = sweepWorld();
const { hold, due, sweep, sweepRequest, sent, updates, puts, transactions } = world;

/** Nothing has been heard of it for five minutes. */
const claim = { ...aClaim(), epoch: 2, sinceMs: NOW_MS - 300_000, deadlineMs: NOW_MS + 600_000 };

describe('the sweep', () => {
  it('evidence without a verdict - its re-probe is asked for again', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    hold(aStoredWorkspace({ evidence: evidenceOf({ atMs: NOW_MS - 15_000 }) }));
    await sweep();
    expect(sent('reprobe')).toMatchObject([{ verdictId: VERDICT }]);
  });

  it('evidence that everybody forgot - removed', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    hold(aStoredWorkspace({ evidence: evidenceOf({ atMs: NOW_MS - 600_000 }) }));
    await sweep();
    expect(sent('reprobe')).toHaveLength(0);
    expect(updates()[0]?.UpdateExpression).toContain('REMOVE evidence');
  });

  it('a claim without news - resumed under a higher epoch, with the same token', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    hold(aStoredWorkspace({ claim }));
    await sweep();
    expect(sent('restart')).toMatchObject([{ token: TOKEN, epoch: 3 }]);
    expect(updates()[0]?.ConditionExpression).toContain('claim.epoch = :epoch');
  });

  it.each([
    [
      'never accepted',
      { state: 'accepting', acceptedAtMs: NOW_MS - 70_000, expiresAtMs: NOW_MS + 1 },
      'refused',
    ],
    ['past its time', { state: 'parked', expiresAtMs: NOW_MS - 1 }, 'expired'],
  ] as const)('a request that is %s - ended', async (_what, changes, state) => {
    await sweepRequest(changes);
    const [end] = transactions()[0] ?? [];
    expect(end?.Update?.ExpressionAttributeValues).toMatchObject({ ':state': state });
    expect(end?.Update?.ConditionExpression).toContain('#state = :from');
  });

  it('the slot of a claim that has ended - freed; that of an open one - kept', async () => {
    const slot = { workspaceId: 'ws-1', deadlineMs: NOW_MS + 600_000 };
    const fleet = fleetItem({ admitted: { [TOKEN]: slot, OTHER: slot } });
    hold(aStoredWorkspace({ claim }), [fleet]);
    await sweep();
    const [put] = puts();
    expect(Object.keys(put?.Item?.['admitted'] as object)).toEqual([TOKEN]);
  });

  it.each([300_000, -300_000])('its clock is %i ms off - nothing is swept by it', async (offMs) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    hold(aStoredWorkspace(), [rowItem({ expiresAtMs: NOW_MS + 200_000 })]);
    const clock = { ...world.ports.clock, nowMs: () => NOW_MS + offMs };
    await handleSweep({ ...world.ports, clock });
    expect(transactions()).toHaveLength(0);
  });

  it('one row that fails - the others are swept all the same', async () => {
    due('DUE#WORKSPACES', 'WS#bad', 'WS#ws-1');
    hold(aStoredWorkspace({ claim }), [
      {
        pk: 'WS#bad',
        sk: 'STATE',
        get v(): never {
          throw new Error('fault');
        },
      },
    ]);
    await sweep();
    expect(sent('restart')).toHaveLength(1);
  });
});
