import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  afterRestart,
  closed,
  emptyFleet,
  released,
  restartSlots,
  swept,
  type Admission,
  type EndedRestart,
  type Fleet,
} from '../../core/brake.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { hasRoom, isQuiet, left, newRamp, QUIET_MS } from '../../core/ramp.ts';
import { aFleet, at, deepFrozen, NOW_MS, policy } from './builders.ts';
import { runs } from './runs.ts';

/** Ten may restart at once: stages of 1, 2, 4 and 8, then the cap. */
const wide = policyOf({ ...defaultSettings, maxRestartShare: 0.25 });
const view = { workspaceCount: 40, policy: wide };
const slot = (workspaceId: string) => ({ workspaceId, deadlineMs: NOW_MS + 60_000 });
const open = (changes: Partial<Fleet> = {}) =>
  aFleet({ brake: 'open', openedAtMs: NOW_MS - 1000, closesAtMs: NOW_MS + 1000, ...changes });
const justReleased = (changes: Partial<Fleet> = {}) => closed(open(changes), at(NOW_MS));

function asks(fleet: Fleet, name: string, changes: { isDeath?: boolean; forced?: boolean } = {}): Admission {
  return admit(
    deepFrozen(fleet),
    {
      token: `claim-${name}`,
      workspaceId: `ws-${name}`,
      isDeath: true,
      forced: false,
      diedAtMs: NOW_MS - 60_000,
      ...changes,
    },
    at(NOW_MS),
    view,
  );
}
function fleetOf(admission: Admission): Fleet {
  if (admission.kind === 'already-admitted' || !admission.fleet) throw new Error('nothing was changed');
  return admission.fleet;
}
function letIn(fleet: Fleet, name: string): Fleet {
  const admission = asks(fleet, name);
  if (admission.kind !== 'admitted')
    throw new Error(`${name} was not admitted: ${JSON.stringify(admission)}`);
  return admission.fleet;
}
function ends(fleet: Fleet, name: string, outcome: EndedRestart['outcome']): Fleet {
  const end = { token: `claim-${name}`, workspaceId: `ws-${name}`, outcome, because: 'deadline' };
  return afterRestart(deepFrozen(fleet), end, at(NOW_MS), wide);
}

describe('after the brake', () => {
  it('one canary goes first, and nobody else before it is done', () => {
    const canary = letIn(justReleased(), 'a');
    expect(asks(canary, 'b')).toEqual({ kind: 'refused', why: 'ramping' });
    const next = ends(canary, 'a', 'done');
    expect(next.ramp).toMatchObject({ size: 2, running: [], done: 0 });
    expect(asks(letIn(letIn(next, 'b'), 'c'), 'd')).toEqual({ kind: 'refused', why: 'ramping' });
  });

  it('stages of 1, 2, 4, 8, each done before the next; from the cap on the ramp is over', () => {
    let fleet = justReleased();
    for (const size of [1, 2, 4, 8]) {
      expect(fleet.ramp).toMatchObject({ size, running: [] });
      const names = Array.from({ length: size }, (_, index) => `${size}-${index}`);
      for (const name of names) fleet = letIn(fleet, name);
      expect(asks(fleet, 'late')).toEqual({ kind: 'refused', why: 'ramping' });
      for (const name of names) fleet = ends(fleet, name, 'done');
    }
    expect(fleet.ramp).toMatchObject({ size: 16 });
    for (let index = 0; index < 10; index++) fleet = letIn(fleet, `cap-${index}`);
    expect(fleet).not.toHaveProperty('ramp');
    expect(asks(fleet, 'late')).toEqual({ kind: 'refused', why: 'no-slot' });
  });

  it('a canary that fails - the brake opens again, and the next canary is one again', () => {
    const failed = ends(letIn(justReleased(), 'a'), 'a', 'failed');
    expect(failed).toMatchObject({
      brake: 'open',
      brakeCause: 'canary-failed',
      brakeBecause: 'the restart of ws-a failed: deadline',
      closesAtMs: NOW_MS + wide.brakeWindowMs,
      admitted: {},
    });
    expect(failed).not.toHaveProperty('ramp');
    expect(closed(failed, at(NOW_MS + 1)).ramp).toEqual(newRamp(NOW_MS + 1));
  });

  it('a later one of the ramp that fails - opens it too', () => {
    let fleet = ends(letIn(justReleased(), 'a'), 'a', 'done');
    fleet = letIn(letIn(fleet, 'b'), 'c');
    expect(ends(ends(fleet, 'b', 'done'), 'c', 'failed').brake).toBe('open');
  });

  it('one that ended without telling anything - gives its turn to the next', () => {
    const gone = ends(letIn(justReleased(), 'a'), 'a', 'other');
    expect(gone).toMatchObject({ brake: 'closed', ramp: { size: 1, running: [], done: 0 } });
    expect(asks(gone, 'b').kind).toBe('admitted');
    expect(released(letIn(justReleased(), 'a'), 'claim-a').ramp).toMatchObject({ running: [], done: 0 });
  });

  it('a restart from before the storm that ends - says nothing of the ramp', () => {
    const fleet = justReleased({ admitted: { 'claim-old': slot('ws-old') } });
    expect(ends(fleet, 'old', 'done')).toEqual({ ...fleet, admitted: {} });
    expect(ends(fleet, 'old', 'failed')).toEqual({ ...fleet, admitted: {} });
  });

  it('a slot from before the storm - takes its turn like all others', () => {
    const fleet = justReleased({ admitted: { 'claim-old': slot('ws-old') } });
    const canary = letIn(fleet, 'a');
    expect(asks(canary, 'old')).toEqual({ kind: 'refused', why: 'ramping' });
    const joined = letIn(ends(canary, 'a', 'done'), 'old');
    expect(joined.ramp?.running).toEqual(['claim-old']);
    expect(asks(joined, 'old')).toEqual({ kind: 'already-admitted' });
  });

  it('a forced order - waits for no turn, and is no canary', () => {
    const forced = asks(letIn(justReleased(), 'a'), 'f', { isDeath: false, forced: true });
    expect(forced).toMatchObject({ kind: 'admitted', fleet: { ramp: { running: ['claim-a'] } } });
    const again = asks(fleetOf(forced), 'f', { forced: true });
    expect(again).toEqual({ kind: 'already-admitted' });
  });

  it('the deaths that opened it - are forgiven: those who still wait do not open it again', () => {
    const admission = asks(justReleased(), 'a');
    expect(admission).toMatchObject({ kind: 'admitted', fleet: { deaths: [], forgivenUntilMs: NOW_MS } });
  });

  it('new deaths - open it again, though the ramp is under way', () => {
    let fleet = letIn(justReleased(), 'a');
    const later = at(NOW_MS + 1000);
    const dies = (name: string) => ({
      token: name,
      workspaceId: name,
      isDeath: true,
      forced: false,
      diedAtMs: NOW_MS + 500,
    });
    for (let index = 0; index < 9; index++) {
      const admission = admit(fleet, dies(`new-${index}`), later, view);
      fleet = fleetOf(admission);
    }
    expect(fleet).toMatchObject({ brake: 'open', brakeCause: 'deaths' });
    expect(fleet).not.toHaveProperty('ramp');
  });

  it('released while it is closed - nothing changes, and a ramp does not begin anew', () => {
    const ramping = ends(letIn(justReleased(), 'a'), 'a', 'done');
    expect(closed(ramping, at(NOW_MS + 1))).toBe(ramping);
    expect(closed(emptyFleet, at(NOW_MS))).toBe(emptyFleet);
  });
});

describe('while the brake is open', () => {
  it('they go on dying - it stays open until a cool-down after the last of them (V9)', () => {
    const fleet = open({ closesAtMs: NOW_MS + 1000 });
    expect(asks(fleet, 'a')).toMatchObject({
      kind: 'refused',
      why: 'brake-open',
      fleet: { closesAtMs: NOW_MS - 60_000 + wide.brakeWindowMs, deaths: [{ workspaceId: 'ws-a' }] },
    });
    expect(asks(open({ closesAtMs: NOW_MS + 900_000 }), 'a')).toMatchObject({
      fleet: { closesAtMs: NOW_MS + 900_000 },
    });
  });

  it('the same claim asks again - nothing is written for it', () => {
    const noted = asks(open(), 'a');
    expect(asks(fleetOf(noted), 'a')).toEqual({
      kind: 'refused',
      why: 'brake-open',
    });
  });
});

describe('EC2 answers badly', () => {
  const ec2 = { answered: 10, failed: 11 };
  const request = { token: 't', workspaceId: 'w', isDeath: false, forced: false, diedAtMs: NOW_MS };

  it('a claim asks - the brake opens, though nobody else died', () => {
    expect(admit(aFleet(), request, at(NOW_MS), { ...view, ec2 })).toMatchObject({
      kind: 'refused',
      why: 'brake-open',
      fleet: { brakeCause: 'ec2', brakeBecause: '11 of 21 calls to EC2 failed or were throttled' },
    });
  });

  it('the sweep finds it so - the brake opens without a claim; open, it stays so', () => {
    expect(swept(aFleet(), at(NOW_MS), wide, { workspaceCount: 40, ec2 })).toMatchObject({
      brakeCause: 'ec2',
    });
    const fleet = open({ closesAtMs: NOW_MS - 1 });
    expect(swept(fleet, at(NOW_MS), wide, { workspaceCount: 40, ec2 })).toEqual({
      ...fleet,
      closesAtMs: NOW_MS + wide.brakeWindowMs,
    });
  });
});

describe('the sweep on the ramp', () => {
  const look = (fleet: Fleet, nowMs = NOW_MS) =>
    swept(deepFrozen(fleet), at(nowMs), wide, { workspaceCount: 40 });

  it('a canary whose slot has run out - the brake opens again', () => {
    const canary = letIn(justReleased(), 'a');
    expect(look(canary, NOW_MS + 1_199_999)).toBeUndefined();
    expect(look(canary, NOW_MS + 1_200_000)).toMatchObject({
      brake: 'open',
      brakeCause: 'canary-failed',
      brakeBecause: 'the restart of ws-a did not end in time',
      admitted: {},
    });
  });

  it('nobody under way and nobody waiting for long - the ramp is over', () => {
    const fleet = justReleased();
    expect(look(fleet, NOW_MS + QUIET_MS - 1)).toBeUndefined();
    const { ramp: _over, ...rest } = fleet;
    expect(look(fleet, NOW_MS + QUIET_MS)).toEqual(rest);
    expect(isQuiet({ ...newRamp(NOW_MS), running: ['a'] }, NOW_MS + 900_000)).toBe(false);
  });

  it('quiet is longer than the longest pause between two tries of a claim without capacity', () => {
    expect(QUIET_MS).toBe(420_000);
  });

  it('quiet because the fleet is paused - the ramp is kept: who waits is let through one by one all the same', () => {
    const pause = { by: 'role/operator', reason: 'storm', untilMs: NOW_MS + QUIET_MS + 1 };
    const fleet = { ...justReleased(), pause };
    const kept = look(fleet, NOW_MS + QUIET_MS);
    expect(kept).toMatchObject({ ramp: { size: 1, running: [], sinceMs: NOW_MS + QUIET_MS } });
    expect(look(kept ?? fleet, NOW_MS + QUIET_MS + 60_000)).toBeUndefined();
    const later = { ...justReleased(), pause, ramp: { ...newRamp(NOW_MS + 900_000) } };
    expect(look(later, NOW_MS + 1)).toMatchObject({ ramp: { sinceMs: NOW_MS + 900_000 } });
  });

  it('as wide as the cap - the ramp is over, paused or not', () => {
    const pause = { by: 'role/operator', reason: 'storm' };
    expect(look(aFleet({ pause, ramp: { ...newRamp(NOW_MS), size: 16 } }))).toEqual(aFleet({ pause }));
    const ramp = (size: number) => aFleet({ ramp: { ...newRamp(NOW_MS), size } });
    expect(look(ramp(8))).toBeUndefined();
    expect(look(ramp(16))).toEqual(aFleet());
  });
});

describe('an item that does not hold together', () => {
  it('a canary without a slot - counts as one that did not end, though nobody knows whose it was', () => {
    const fleet = aFleet({ ramp: { ...newRamp(NOW_MS), running: ['lost'] } });
    expect(swept(fleet, at(NOW_MS), wide, { workspaceCount: 40 })).toMatchObject({
      brakeBecause: 'the restart of a workspace did not end in time',
    });
  });

  it('open with a ramp - the ramp says nothing as long as the brake is open', () => {
    const fleet = open({ ramp: newRamp(NOW_MS), admitted: { 'claim-a': slot('ws-a') } });
    expect(asks(fleet, 'a')).toEqual({ kind: 'already-admitted' });
  });

  it('a ramp as wide as the cap - is none, for a claim as for the sweep', () => {
    const slots = restartSlots(40, wide);
    const fleet = (size: number) =>
      aFleet({ ramp: { ...newRamp(NOW_MS), size, running: Array.from({ length: size }, String) } });
    expect(asks(fleet(slots), 'a')).toMatchObject({ kind: 'admitted' });
    expect(asks(fleet(slots - 1), 'a')).toMatchObject({ kind: 'refused', why: 'ramping' });
    const idle = (size: number) => aFleet({ ramp: { ...newRamp(NOW_MS), size } });
    expect(swept(idle(slots), at(NOW_MS), wide, { workspaceCount: 40 })).toEqual(aFleet());
    expect(swept(idle(slots - 1), at(NOW_MS), wide, { workspaceCount: 40 })).toBeUndefined();
  });

  it('a turn that is given back - moves the ramp on by its time, never back', () => {
    const canary = letIn(justReleased(), 'a');
    expect(released(canary, 'claim-a', NOW_MS + 5000).ramp).toMatchObject({ sinceMs: NOW_MS + 5000 });
    expect(released(canary, 'claim-a').ramp).toMatchObject({ sinceMs: NOW_MS });
  });
});

describe('a stage', () => {
  it('counts those under way and those done against its size', () => {
    expect(hasRoom({ ...newRamp(0), size: 2, running: ['a'], done: 0 })).toBe(true);
    expect(hasRoom({ ...newRamp(0), size: 2, running: ['a'], done: 1 })).toBe(false);
  });

  it('whose token is not of it - stays as it is', () => {
    expect(left(newRamp(0), 'x', true, 9)).toEqual(newRamp(0));
  });
});

describe('whatever happens on the way back', () => {
  const step = fc.record({
    what: fc.constantFrom('ask', 'ask', 'ask', 'done', 'done', 'done', 'fail', 'other', 'sweep', 'release'),
    name: fc.nat({ max: 40 }),
    afterMs: fc.nat({ max: 20_000 }),
  });

  it('no more start in a stage than its size, none while open, and it widens only by restarts that are done', () => {
    let widest = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'large' }), (steps) => {
        let fleet: Fleet = open();
        let nowMs = NOW_MS;
        for (const { what, name, afterMs } of steps) {
          nowMs += afterMs;
          const before = fleet;
          const now = at(nowMs);
          const end = { token: `claim-${name}`, workspaceId: `ws-${name}`, because: 'x' };
          if (what === 'release') fleet = closed(fleet, now);
          else if (what === 'sweep') fleet = swept(fleet, now, wide, { workspaceCount: 40 }) ?? fleet;
          else if (what === 'done') fleet = afterRestart(fleet, { ...end, outcome: 'done' }, now, wide);
          else if (what === 'fail') fleet = afterRestart(fleet, { ...end, outcome: 'failed' }, now, wide);
          else if (what === 'other') fleet = afterRestart(fleet, { ...end, outcome: 'other' }, now, wide);
          else {
            const asking = { ...end, isDeath: true, forced: false, diedAtMs: NOW_MS - 1000 };
            const admission = admit(deepFrozen(fleet), asking, now, view);
            if (before.brake === 'open') expect(admission.kind).not.toBe('admitted');
            if ('fleet' in admission) fleet = admission.fleet ?? fleet;
          }
          const { ramp } = fleet;
          if (ramp) {
            widest = Math.max(widest, ramp.size);
            expect(ramp.running.length + ramp.done).toBeLessThanOrEqual(ramp.size);
            if (before.ramp && ramp.size > before.ramp.size) {
              expect(what).toBe('done');
              expect(ramp.size).toBe(before.ramp.size * 2);
              expect(before.ramp.done).toBe(before.ramp.size - 1);
            }
          }
          if (fleet.brake === 'open') expect(ramp).toBeUndefined();
          expect(Object.keys(fleet.admitted).length).toBeLessThanOrEqual(restartSlots(40, wide));
        }
      }),
      runs(1000),
    );
    expect(widest).toBeGreaterThanOrEqual(4);
    expect(policy.maxRestartShare).toBeLessThan(wide.maxRestartShare);
  });
});
