import { describe, expect, it } from 'vitest';
import type { Probe } from '../../core/facts.ts';
import { afterLook, isMute } from '../../core/stuck.ts';
import { instanceStates, type Unclear, type Workspace } from '../../core/workspace.ts';
import {
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  at,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
} from './builders.ts';

const MINUTE_MS = 60_000;
const unclear: Unclear = { sinceMs: NOW_MS - 10 * MINUTE_MS, lastMs: NOW_MS - MINUTE_MS, generation: 3 };
const stopping = seen('stopping');
/** Its last beat is an hour old. */
const quiet = (overrides: Partial<Workspace> = {}) =>
  aWorkspace({ heartbeat: aHeartbeat({ atMs: NOW_MS - 60 * MINUTE_MS }), ...overrides });
const fresh = { sinceMs: NOW_MS, lastMs: NOW_MS, generation: 3 };

describe('a look at an instance', () => {
  const clear = ['running', 'stopped', 'terminated'];
  it.each(instanceStates)('%s - the trouble ends with a clear state, and begins with any other', (state) => {
    const isClear = clear.includes(state);
    expect(afterLook(quiet(), undefined, seen(state), at(NOW_MS))).toEqual(
      isClear ? { isStuck: false } : { isStuck: false, unclear: fresh },
    );
    expect(afterLook(quiet(), unclear, seen(state), at(NOW_MS))).toEqual({
      isStuck: false,
      ...(!isClear && { unclear: { ...unclear, lastMs: NOW_MS } }),
    });
  });

  it.each(['absent', 'not-found', 'malformed'] as const)('unknown (%s) - trouble', (cause) => {
    expect(afterLook(quiet(), undefined, { kind: 'unknown', cause }, at(NOW_MS)).unclear).toEqual(fresh);
  });

  it.each([
    { kind: 'unknown', cause: 'throttled' },
    { kind: 'unknown', cause: 'error' },
    { kind: 'unknown', cause: 'shared' },
    { kind: 'not-made' },
  ] as const satisfies Probe[])('%o - says nothing of it, ends nothing and begins nothing', (probe) => {
    const long = { ...unclear, sinceMs: NOW_MS - 60 * MINUTE_MS };
    expect(afterLook(quiet(), long, probe, at(NOW_MS))).toEqual({ isStuck: false, unclear: long });
    expect(afterLook(quiet(), undefined, probe, at(NOW_MS))).toEqual({ isStuck: false });
  });

  it('another instance - trouble, whatever its state', () => {
    const probe = seen('running', { instanceId: OTHER_INSTANCE });
    expect(afterLook(quiet(), undefined, probe, at(NOW_MS)).unclear).toEqual(fresh);
  });

  it('whatever else is written beside it - nothing is clear but what was seen, and what was seen counts', () => {
    const smuggled = { ...seen('running'), kind: 'unknown', cause: 'not-found' } as const;
    expect(afterLook(quiet(), undefined, smuggled, at(NOW_MS)).unclear).toEqual(fresh);
    const both = { ...seen('running'), cause: 'throttled' } as const;
    expect(afterLook(quiet(), unclear, both, at(NOW_MS))).toEqual({ isStuck: false });
  });
});

describe('trouble that lasts', () => {
  const after = (changes: Partial<Unclear>, now = at(NOW_MS)) =>
    afterLook(quiet(), { ...unclear, ...changes }, stopping, now);

  it.each([
    [600_000, false],
    [600_001, true],
  ])('for %i ms, by the earliest end - stuck: %s (V5, V7)', (forMs, isStuck) => {
    expect(after({ sinceMs: NOW_MS - forMs }, at(NOW_MS, NOW_MS + 5000)).isStuck).toBe(isStuck);
  });

  it.each([
    [300_000, unclear.sinceMs],
    [300_001, NOW_MS],
  ])('nobody has looked for %i ms - %i: after too long it is another trouble', (gapMs, sinceMs) => {
    expect(after({ lastMs: NOW_MS - gapMs }).unclear).toMatchObject({ sinceMs });
  });

  it('in another generation, or with a beat since - it begins anew', () => {
    expect(after({ generation: 2 })).toEqual({ isStuck: false, unclear: fresh });
    const long = { ...unclear, sinceMs: NOW_MS - 30 * MINUTE_MS };
    const beaten = (atMs: number) =>
      afterLook(quiet({ heartbeat: aHeartbeat({ atMs }) }), long, stopping, at(NOW_MS));
    expect(beaten(long.sinceMs).isStuck).toBe(true);
    expect(beaten(long.sinceMs + 1)).toEqual({ isStuck: false, unclear: fresh });
    expect(afterLook(aMuteWorkspace(), long, stopping, at(NOW_MS)).isStuck).toBe(true);
  });
});

describe('an agent that runs', () => {
  const silent = (agoMs: number, declaresInterval = true, freshUntilMs = 0) =>
    isMute(
      { heartbeat: aHeartbeat({ atMs: NOW_MS - agoMs, declaresInterval }), freshUntilMs },
      at(NOW_MS, NOW_MS + 9000),
      policy,
    );

  it('has not beaten for longer than it may - mute (V6)', () => {
    expect(silent(180_000)).toBe(false);
    expect(silent(180_001)).toBe(true);
  });

  it.each([
    [1, false],
    [0, false],
    [-1, true],
  ])(
    'works under a lease that ends in %i ms - mute: %s, for it said that it would be silent',
    (leftMs, mute) => {
      expect(silent(600_000, true, NOW_MS + leftMs)).toBe(mute);
    },
  );

  it('never said how often it beats, or never beat - not mute: nobody knows', () => {
    expect(silent(900_000, false)).toBe(false);
    expect(isMute(aMuteWorkspace(), at(NOW_MS), policy)).toBe(false);
  });
});
