import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  closed,
  emptyFleet,
  isFleetPaused,
  released,
  restartSlots,
  SLOT_LIFE_MS,
  swept,
  type Admission,
  type AdmissionRequest,
  type Fleet,
} from '../../core/brake.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import { aFleet, at, deepFrozen, NOW_MS, policy } from './builders.ts';
import { runs } from './runs.ts';

const request: AdmissionRequest = {
  token: 'verdict-1',
  workspaceId: 'ws-1',
  isDeath: true,
  forced: false,
  diedAtMs: NOW_MS - 500,
};
const ordered: AdmissionRequest = { ...request, token: 'order-1', isDeath: false };
const slot = (workspaceId: string, deadlineMs = NOW_MS + 60_000) => ({ workspaceId, deadlineMs });
/** A fleet with no more than the least slots. */
const few = { workspaceCount: 0 };
const deaths = (count: number, atMs = NOW_MS - 1000) =>
  Array.from({ length: count }, (_, index) => ({ workspaceId: `dead-${index}`, atMs }));

function asked(
  fleet: Fleet,
  asking: AdmissionRequest = request,
  workspaceCount = 10,
  now: TimeRange = at(NOW_MS),
): Admission {
  return admit(deepFrozen(fleet), asking, now, { workspaceCount, policy });
}

describe('a claim that asks for admission', () => {
  it('all is quiet - it gets a slot, and its death is noted', () => {
    expect(asked(aFleet(), request, 10, at(NOW_MS - 300, NOW_MS))).toEqual({
      kind: 'admitted',
      fleet: aFleet({
        admitted: { 'verdict-1': slot('ws-1', NOW_MS + SLOT_LIFE_MS) },
        deaths: [{ workspaceId: 'ws-1', atMs: NOW_MS - 500 }],
      }),
    });
  });

  it('its slot has lapsed - it needs a new one, for the old may be another claim’s by now (S13)', () => {
    const fleet = aFleet({ admitted: { 'verdict-1': slot('ws-1', NOW_MS) } });
    expect(asked(fleet, ordered)).toMatchObject({ kind: 'admitted' });
    const mine: AdmissionRequest = { ...ordered, token: 'verdict-1' };
    expect(asked(fleet, mine, 10, at(NOW_MS - 1, NOW_MS + 1))).toEqual({ kind: 'already-admitted' });
    expect(asked(fleet, mine)).toEqual({
      kind: 'admitted',
      fleet: aFleet({ admitted: { 'verdict-1': slot('ws-1', NOW_MS + SLOT_LIFE_MS) } }),
    });
    const full = {
      ...fleet.admitted,
      ...Object.fromEntries(['a', 'b', 'c'].map((name) => [name, slot(name)])),
    };
    expect(asked(aFleet({ admitted: full }), mine)).toMatchObject({ kind: 'refused', why: 'no-slot' });
  });

  it("an operator's order - gets a slot, and is no death", () => {
    expect(asked(aFleet(), ordered)).toEqual({
      kind: 'admitted',
      fleet: aFleet({ admitted: { 'order-1': slot('ws-1', NOW_MS + SLOT_LIFE_MS) } }),
    });
  });

  it('it has a slot - it keeps it, whatever became of the brake', () => {
    const fleet = aFleet({ brake: 'open', admitted: { 'verdict-1': slot('ws-1') } });
    expect(asked(fleet)).toEqual({ kind: 'already-admitted' });
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'its token is "%s" - it has no slot by that alone',
    (token) => {
      expect(asked(aFleet(), { ...request, token }).kind).toBe('admitted');
    },
  );

  it('the brake is open - refused; a death is noted, an order changes nothing', () => {
    expect(asked(aFleet({ brake: 'open' }))).toEqual({
      kind: 'refused',
      why: 'brake-open',
      fleet: aFleet({ brake: 'open', deaths: [{ workspaceId: 'ws-1', atMs: NOW_MS - 500 }] }),
    });
    expect(asked(aFleet({ brake: 'open' }), ordered)).toEqual({ kind: 'refused', why: 'brake-open' });
  });

  it('a workspace that dies again - is one death, the latest', () => {
    const fleet = aFleet({ deaths: [{ workspaceId: 'ws-1', atMs: NOW_MS - 100_000 }, ...deaths(1)] });
    const admission = asked(fleet);
    expect(admission).toMatchObject({
      kind: 'admitted',
      fleet: { deaths: [...deaths(1), { workspaceId: 'ws-1', atMs: NOW_MS - 500 }] },
    });
  });

  it('every slot is taken - refused, but the death is noted', () => {
    const admitted = { a: slot('a'), b: slot('b'), c: slot('c') };
    expect(asked(aFleet({ admitted }))).toEqual({
      kind: 'refused',
      why: 'no-slot',
      fleet: aFleet({ admitted, deaths: [{ workspaceId: 'ws-1', atMs: NOW_MS - 500 }] }),
    });
    expect(asked(aFleet({ admitted }), ordered)).toEqual({ kind: 'refused', why: 'no-slot' });
  });

  it('a slot whose deadline has come - is free', () => {
    const admitted = { a: slot('a'), b: slot('b'), c: slot('c', NOW_MS) };
    const admission = asked(aFleet({ admitted }));
    expect(admission.kind).toBe('admitted');
    expect(admission).not.toHaveProperty('fleet.admitted.c');
    expect(asked(aFleet({ admitted }), request, 10, at(NOW_MS - 1, NOW_MS)).kind).toBe('refused');
  });
});

describe('when the brake opens', () => {
  it('the third death of a tiny fleet within the window - it opens, says why, and nobody is restarted', () => {
    expect(asked(aFleet({ deaths: deaths(2) }), request, 3, at(NOW_MS - 300, NOW_MS))).toEqual({
      kind: 'refused',
      why: 'brake-open',
      fleet: aFleet({
        brake: 'open',
        brakeCause: 'deaths',
        brakeBecause: '3 workspaces looked dead within 300 s',
        openedAtMs: NOW_MS,
        closesAtMs: NOW_MS + policy.brakeWindowMs,
        deaths: [...deaths(2), { workspaceId: 'ws-1', atMs: NOW_MS - 500 }],
      }),
    });
  });

  it.each([
    [0, 1],
    [1, 2],
    [3, 2],
    [10, 2],
    [14, 2],
    [15, 3],
    [100, 20],
    [2499, 499],
    [10_000, 499],
  ])(
    'a fleet of %i - up to %i deaths at once are believed, one more opens it',
    (workspaceCount, believed) => {
      const most = Math.max(believed, policy.brakeMinimum);
      expect(asked(aFleet({ deaths: deaths(most - 1) }), request, workspaceCount).kind).toBe('admitted');
      expect(asked(aFleet({ deaths: deaths(most) }), request, workspaceCount)).toMatchObject({
        why: 'brake-open',
      });
    },
  );

  it('deaths of before the window - do not count, by the earliest end of the time range', () => {
    const old = deaths(5, NOW_MS - policy.brakeWindowMs);
    expect(asked(aFleet({ deaths: old })).kind).toBe('admitted');
    expect(asked(aFleet({ deaths: old }), request, 10, at(NOW_MS - 1, NOW_MS))).toMatchObject({
      why: 'brake-open',
    });
  });

  it("an operator's order beside many deaths - is refused with them, though it is no death", () => {
    expect(asked(aFleet({ deaths: deaths(3) }), ordered)).toMatchObject({
      kind: 'refused',
      why: 'brake-open',
    });
    expect(asked(aFleet({ deaths: deaths(2) }), ordered).kind).toBe('admitted');
  });

  it('a forced order - goes ahead whatever the brake, the pause and the slots say', () => {
    const admitted = { a: slot('a'), b: slot('b'), c: slot('c') };
    const worst = aFleet({ brake: 'open', admitted, deaths: deaths(9), pause: { by: 'x', reason: 'y' } });
    expect(asked(worst, { ...ordered, forced: true })).toEqual({
      kind: 'admitted',
      fleet: { ...worst, admitted: { ...admitted, 'order-1': slot('ws-1', NOW_MS + SLOT_LIFE_MS) } },
    });
  });
});

describe('a paused fleet', () => {
  const paused = (untilMs?: number) =>
    aFleet({ pause: { by: 'role/operator', reason: 'x', ...(untilMs !== undefined && { untilMs }) } });

  it('nobody is restarted, and the death is noted for later', () => {
    expect(asked(paused())).toMatchObject({
      kind: 'refused',
      why: 'fleet-paused',
      fleet: { deaths: [{ workspaceId: 'ws-1' }] },
    });
    expect(asked(paused(), ordered)).toEqual({ kind: 'refused', why: 'fleet-paused' });
  });

  it.each([
    [-1, true],
    [0, false],
    [1, false],
  ])('%i ms from the end of the pause - paused: %s', (offsetMs, isPaused) => {
    expect(isFleetPaused(paused(NOW_MS - offsetMs), at(NOW_MS, NOW_MS + 5000))).toBe(isPaused);
  });

  it('without an end - paused for ever; without a pause - never', () => {
    expect(isFleetPaused(paused(), at(8e15))).toBe(true);
    expect(isFleetPaused(aFleet(), at(0))).toBe(false);
  });
});

describe('a fleet of which nothing was written yet', () => {
  it('is closed and empty', () => {
    expect(emptyFleet).toEqual({ revision: 0, brake: 'closed', admitted: {}, deaths: [] });
  });

  it('a slot in it lives for twenty minutes', () => {
    expect(SLOT_LIFE_MS).toBe(1_200_000);
  });
});

describe('how many may restart at once', () => {
  it.each([
    [0, 3],
    [1, 3],
    [60, 3],
    [79, 3],
    [80, 4],
    [1000, 50],
    [10_000, 500],
    [100_000, 500],
  ])('a fleet of %i - %i', (workspaceCount, slots) => {
    expect(restartSlots(workspaceCount, policy)).toBe(slots);
  });
});

describe('the end of a claim', () => {
  it('its slot is given back, and nothing else changes', () => {
    const fleet = aFleet({ admitted: { a: slot('a'), b: slot('b') }, deaths: deaths(1) });
    expect(released(deepFrozen(fleet), 'a')).toEqual({ ...fleet, admitted: { b: slot('b') } });
    expect(released(deepFrozen(fleet), 'c')).toEqual(fleet);
  });
});

/** What the closing of the brake leaves behind: one canary first, and nobody is counted twice. */
const justClosed: Partial<Fleet> = {
  forgivenUntilMs: NOW_MS,
  ramp: { size: 1, running: [], done: 0, sinceMs: NOW_MS },
};

describe('the sweep of the fleet item', () => {
  const open = (overrides: Partial<Fleet> = {}) =>
    aFleet({
      brake: 'open',
      brakeCause: 'deaths',
      brakeBecause: 'x',
      openedAtMs: NOW_MS - 300_000,
      closesAtMs: NOW_MS,
      deaths: deaths(9),
      ...overrides,
    });

  it('nothing is old - no change', () => {
    expect(swept(aFleet({ admitted: { a: slot('a') } }), at(NOW_MS), policy, few)).toBeUndefined();
    expect(swept(emptyFleet, at(NOW_MS), policy, few)).toBeUndefined();
  });

  it('a slot is over - freed, and the brake left as it is', () => {
    const fleet = open({ closesAtMs: NOW_MS + 1, admitted: { a: slot('a', NOW_MS), b: slot('b') } });
    expect(swept(deepFrozen(fleet), at(NOW_MS), policy, few)).toEqual({
      ...fleet,
      admitted: { b: slot('b') },
    });
  });

  it('the brake has cooled down - closed, with nothing left of it and its deaths forgiven', () => {
    const admitted = { a: slot('a') };
    expect(swept(deepFrozen(open({ admitted })), at(NOW_MS), policy, few)).toEqual(
      aFleet({ ...justClosed, admitted }),
    );
  });

  it.each([
    [-1, false],
    [0, true],
  ])('%i ms from the end of the cool-down, by the earliest end - closed: %s', (offsetMs, closes) => {
    const fleet = swept(open(), at(NOW_MS + offsetMs, NOW_MS + 9000), policy, few);
    expect(fleet?.brake === 'closed').toBe(closes);
  });

  it('nobody knows when it closes - it stays open', () => {
    const { closesAtMs: _closesAtMs, ...fleet } = open();
    expect(swept(fleet, at(8e15), policy, few)).toBeUndefined();
  });

  it('a closed brake - has nothing to cool down', () => {
    expect(swept(aFleet({ closesAtMs: NOW_MS - 1 }), at(NOW_MS), policy, few)).toBeUndefined();
  });

  it('released by hand - closed at once', () => {
    expect(closed(deepFrozen(open()), at(NOW_MS - 300, NOW_MS))).toEqual(aFleet(justClosed));
  });
});

describe('whatever the fleet goes through', () => {
  const step = fc.record({
    what: fc.constantFrom('ask', 'ask', 'ask', 'end', 'sweep'),
    name: fc.nat({ max: 30 }),
    afterMs: fc.oneof(fc.nat({ max: 20_000 }), fc.nat({ max: 400_000 })),
    isDeath: fc.boolean(),
  });
  const small = policyOf({ ...defaultSettings, maxRestartShare: 0.2, brakeShare: 0.1 });

  it('no act while the brake is open, and never more at once than slots (S13), but for forced orders', () => {
    let askedWhileOpen = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'large' }),
        fc.integer({ min: 1, max: 40 }),
        (steps, workspaceCount) => {
          let fleet = emptyFleet;
          let nowMs = NOW_MS;
          for (const { what, name, afterMs, isDeath } of steps) {
            nowMs += afterMs;
            const now = at(nowMs);
            if (what === 'end') fleet = released(fleet, `claim-${name}`);
            else if (what === 'sweep') fleet = swept(fleet, now, small, few) ?? fleet;
            else {
              const asking = {
                token: `claim-${name}`,
                workspaceId: `ws-${name}`,
                isDeath,
                forced: false,
                diedAtMs: nowMs,
              };
              const admission = admit(deepFrozen(fleet), asking, now, { workspaceCount, policy: small });
              if (fleet.brake === 'open') {
                askedWhileOpen++;
                expect(admission.kind).not.toBe('admitted');
              }
              if ('fleet' in admission) fleet = admission.fleet ?? fleet;
            }
            expect(Object.keys(fleet.admitted).length).toBeLessThanOrEqual(
              restartSlots(workspaceCount, small),
            );
            expect(new Set(fleet.deaths.map(({ workspaceId }) => workspaceId)).size).toBe(
              fleet.deaths.length,
            );
          }
        },
      ),
      runs(1000),
    );
    expect(askedWhileOpen).toBeGreaterThan(runs(2000).numRuns);
  });
});

describe('a fleet of which only a share is restarted', () => {
  const shareOf = (enforcePercent: number) => policyOf({ ...defaultSettings, enforcePercent });
  const asksAmong = (count: number, enforcePercent: number) =>
    admit(aFleet({ deaths: deaths(count) }), request, at(NOW_MS), {
      workspaceCount: 100,
      policy: shareOf(enforcePercent),
    });

  it.each([
    [100, 19, 'admitted'],
    [100, 20, 'refused'],
    [50, 9, 'admitted'],
    [50, 10, 'refused'],
    [10, 1, 'admitted'],
    [10, 2, 'refused'],
  ] as const)(
    '%i %% of 100 are, and one more dies after %i - %s: the others are not seen to die, so they do not count as living',
    (percent, dead, kind) => {
      expect(asksAmong(dead, percent).kind).toBe(kind);
    },
  );
});

describe('what the fleet item holds beside', () => {
  it('a death while the brake is closed - moves no cool-down that an older item may still hold', () => {
    expect(asked(aFleet({ closesAtMs: 5 }))).toMatchObject({ fleet: { closesAtMs: 5 } });
  });

  it('the brake opens - the page names what the dead have in common', () => {
    const common = deaths(9).map((death) => ({ ...death, zone: 'a', image: 'b' }));
    expect(asked(aFleet({ deaths: common }))).toMatchObject({
      fleet: {
        brakeBecause:
          '10 workspaces looked dead within 300 s; in common: zone a (9 of 10), image b (9 of 10)',
      },
    });
  });
});
