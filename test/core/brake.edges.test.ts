/** The corners of the brake: stages that fit the cap exactly, words that people read, what a slot is worth. */
import { describe, expect, it } from 'vitest';
import {
  admit,
  afterRestart,
  closed,
  released,
  swept,
  UnreadableBrakeError,
  type AdmissionRequest,
  type Fleet,
} from '../../core/brake.ts';
import type { Death } from '../../core/deaths.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { newRamp } from '../../core/ramp.ts';
import { aFleet, at, deepFrozen, NOW_MS, policy } from './builders.ts';

/** A fleet of 32, of which eight may restart at once: a whole stage of the ramp. */
const wide = policyOf({ ...defaultSettings, maxRestartShare: 0.25 });
const workspaceCount = 32;
const order: AdmissionRequest = {
  token: 'order-1',
  workspaceId: 'ws-1',
  isDeath: false,
  forced: false,
  diedAtMs: NOW_MS,
};
const ramped = (size: number, more: Partial<Fleet> = {}) =>
  aFleet({ ramp: { size, running: [], done: 0, sinceMs: NOW_MS }, ...more });

describe('a stage of the ramp that is as wide as the cap', () => {
  const asks = (fleet: Fleet) =>
    admit(deepFrozen(fleet), order, at(NOW_MS), { workspaceCount, policy: wide });

  it.each([
    [4, true],
    [8, false],
    [16, false],
  ])('%i of eight slots - the admission keeps the ramp: %s', (size, keeps) => {
    const admission = asks(ramped(size));
    if (admission.kind !== 'admitted') throw new Error('it was not admitted');
    expect(admission.fleet.ramp !== undefined).toBe(keeps);
  });

  it.each([
    [4, true],
    [8, false],
    [16, false],
  ])('%i of eight slots - the sweep keeps the ramp: %s', (size, keeps) => {
    const fleet = deepFrozen(ramped(size));
    const after = swept(fleet, at(NOW_MS), wide, { workspaceCount }) ?? fleet;
    expect(after.ramp !== undefined).toBe(keeps);
  });

  it('nobody says how large the fleet is - it counts as the smallest there is, of three slots', () => {
    const after = (size: number) => swept(ramped(size), at(NOW_MS), wide, {});
    expect(after(4)).toEqual(aFleet());
    expect(after(2)).toBeUndefined();
  });
});

describe('a slot that is given back', () => {
  const running = { ...newRamp(NOW_MS), running: ['claim-1'] };

  it.each([
    [-1, NOW_MS],
    [0, NOW_MS],
    [1, NOW_MS + 1],
  ])('%i ms from the last move of the ramp - the ramp never moves back', (laterMs, sinceMs) => {
    expect(released(aFleet({ ramp: running }), 'claim-1', NOW_MS + laterMs).ramp).toEqual({
      ...newRamp(NOW_MS),
      sinceMs,
    });
  });

  it('one of the ramp that failed - the brake is open for the whole window, and no ramp is left', () => {
    const fleet = aFleet({
      ramp: running,
      admitted: { 'claim-1': { workspaceId: 'ws-1', deadlineMs: NOW_MS + 1 } },
    });
    const end = { token: 'claim-1', workspaceId: 'ws-1', outcome: 'failed', because: 'mute' } as const;
    expect(afterRestart(deepFrozen(fleet), end, at(NOW_MS), policy)).toEqual(
      aFleet({
        brake: 'open',
        brakeCause: 'canary-failed',
        brakeBecause: 'the restart of ws-1 failed: mute',
        openedAtMs: NOW_MS,
        closesAtMs: NOW_MS + policy.brakeWindowMs,
      }),
    );
  });

  it('one of the ramp of whose slot nothing is known - it did not end in time, and the brake opens', () => {
    expect(swept(aFleet({ ramp: running }), at(NOW_MS), policy, {})).toMatchObject({
      brake: 'open',
      brakeCause: 'canary-failed',
      brakeBecause: 'the restart of a workspace did not end in time',
    });
  });

  it('it was given before the brake opened - its claim waits with all others while the ramp lasts', () => {
    const admitted = { 'order-1': { workspaceId: 'ws-1', deadlineMs: NOW_MS + 60_000 } };
    const asks = (fleet: Fleet) => admit(fleet, order, at(NOW_MS), { workspaceCount, policy: wide });
    expect(asks(aFleet({ admitted, brake: 'open' })).kind).toBe('already-admitted');
    const ramp = { ...newRamp(NOW_MS), running: ['another'] };
    expect(asks(aFleet({ admitted, ramp }))).toEqual({ kind: 'refused', why: 'ramping' });
  });
});

describe('a death while the brake is closed', () => {
  it('is noted, and there is no time to close at that it could move', () => {
    const fleet = closed(aFleet({ brake: 'open', closesAtMs: NOW_MS - 1 }), at(NOW_MS - 1));
    const death = { ...order, isDeath: true };
    const admission = admit(fleet, death, at(NOW_MS), { workspaceCount, policy: wide });
    expect(admission).toMatchObject({ kind: 'admitted', fleet: { deaths: [{ workspaceId: 'ws-1' }] } });
    expect(admission).not.toHaveProperty('fleet.closesAtMs');
  });
});

describe('what people read', () => {
  it('the brake opens on deaths of one zone - it says what they have in common', () => {
    const deaths: Death[] = ['a', 'b', 'c'].map((name) => ({
      workspaceId: name,
      atMs: NOW_MS - 1000,
      zone: 'us-east-1a',
    }));
    const death = { ...order, isDeath: true, note: { zone: 'us-east-1a', image: 'ami-1' } };
    expect(admit(aFleet({ deaths }), death, at(NOW_MS), { workspaceCount: 3, policy })).toMatchObject({
      fleet: { brakeBecause: '4 workspaces looked dead within 300 s; in common: zone us-east-1a (4 of 4)' },
    });
  });

  it('a fleet item that cannot be understood - is a fault of its own name', () => {
    expect(new UnreadableBrakeError('x').name).toBe('UnreadableBrakeError');
  });
});
