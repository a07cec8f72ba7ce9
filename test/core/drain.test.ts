import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drainWhenDelivered, drainWhenUnready, estimateOf, type Drain } from '../../core/drain.ts';
import { at, deepFrozen, NOW_MS } from './builders.ts';

const BEAT_MS = 5000;
const delivered = (drain: Drain, beganMs = NOW_MS, endedMs = beganMs + 1000) =>
  drainWhenDelivered(deepFrozen(drain), { beganMs, endedMs, pauseMs: BEAT_MS });

describe('the pace after a recovery', () => {
  it('an unready workspace - begins with one request, as soon as it can be given one', () => {
    expect(drainWhenUnready({}, NOW_MS).ramp).toEqual({ step: 1, left: 1, notBeforeMs: 0 });
  });

  it('unready again in the middle of the ramp - begins with one again', () => {
    const ramp = { step: 8, left: 3, notBeforeMs: NOW_MS };
    expect(drainWhenUnready({ ramp }, NOW_MS).ramp).toEqual({ step: 1, left: 1, notBeforeMs: 0 });
  });

  it('steps of 1, 2, 4 ... 64, and then the pace is its own', () => {
    let drain = drainWhenUnready({}, NOW_MS);
    const steps: number[] = [];
    for (let given = 0; drain.ramp && given < 1000; given += 1) {
      if (drain.ramp.left === drain.ramp.step) steps.push(drain.ramp.step);
      drain = delivered(drain);
    }
    expect(steps).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(drain).not.toHaveProperty('ramp');
  });

  it('between two steps - the time of one beat from the end of the last delivery; within a step - none', () => {
    const second = delivered(drainWhenUnready({}, NOW_MS - 9000), NOW_MS, NOW_MS + 1000);
    expect(second.ramp).toEqual({ step: 2, left: 2, notBeforeMs: NOW_MS + 1000 + BEAT_MS });
    const within = delivered(second, NOW_MS + 8000);
    expect(within.ramp).toEqual({ step: 2, left: 1, notBeforeMs: NOW_MS + 1000 + BEAT_MS });
    expect(delivered(within, NOW_MS + 20_000).ramp).toEqual({
      step: 4,
      left: 4,
      notBeforeMs: NOW_MS + 21_000 + BEAT_MS,
    });
  });

  it('any mixture of unready and delivered - a step never more than doubles, and what is left never exceeds it', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (events) => {
        let drain: Drain = {};
        for (const isDelivered of events) {
          const before = drain.ramp;
          drain = isDelivered ? delivered(drain) : drainWhenUnready(drain, NOW_MS);
          if (!drain.ramp) continue;
          expect(drain.ramp.left).toBeGreaterThan(0);
          expect(drain.ramp.left).toBeLessThanOrEqual(drain.ramp.step);
          if (isDelivered) expect(drain.ramp.step).toBeLessThanOrEqual((before?.step ?? 0) * 2);
          else expect(drain.ramp.step).toBe(1);
        }
      }),
    );
  });
});

describe('the history of a workspace', () => {
  it('unready for a while - counted from the first time', () => {
    const drain = drainWhenUnready(drainWhenUnready({}, NOW_MS), NOW_MS + 60_000);
    expect(drain.unreadySinceMs).toBe(NOW_MS);
  });

  it('the first delivery after it - its recovery, measured up to the beginning of that delivery', () => {
    const drain = delivered(drainWhenUnready({}, NOW_MS - 40_000), NOW_MS, NOW_MS + 3000);
    expect(drain).toMatchObject({ recoveryMs: 40_000, turnMs: 3000 });
    expect(drain).not.toHaveProperty('unreadySinceMs');
  });

  it('a later delivery - no other recovery; one that was never unready - none at all', () => {
    expect(delivered({ recoveryMs: 40_000 }).recoveryMs).toBe(40_000);
    expect(delivered({})).not.toHaveProperty('recoveryMs');
  });

  it('the newest value counts three tenths of a running mean', () => {
    const drain = { turnMs: 1000, recoveryMs: 10_000, unreadySinceMs: NOW_MS - 20_000 };
    expect(delivered(drain, NOW_MS, NOW_MS + 2000)).toMatchObject({ turnMs: 1300, recoveryMs: 13_000 });
  });

  it('a clock that goes back - no negative times', () => {
    expect(delivered({ unreadySinceMs: NOW_MS + 5000 }, NOW_MS, NOW_MS - 1)).toMatchObject({
      turnMs: 0,
      recoveryMs: 0,
    });
  });

  it('what was received - kept by both', () => {
    const seen = { receivedAtMs: 7, receivedSequence: '5' };
    expect(drainWhenUnready(seen, NOW_MS)).toMatchObject(seen);
    expect(delivered(seen)).toMatchObject(seen);
  });
});

describe('the estimate of a delivery', () => {
  it('no history - none: no number is made up', () => {
    expect(estimateOf({}, 1, at(NOW_MS))).toBeUndefined();
    expect(estimateOf({ recoveryMs: 5000, unreadySinceMs: NOW_MS }, 1, at(NOW_MS))).toBeUndefined();
  });

  it('a ready workspace - a turn for each place, from the latest end of the time range', () => {
    const estimate = estimateOf({ turnMs: 2000, recoveryMs: 50_000 }, 3, at(NOW_MS - 900, NOW_MS));
    expect(estimate).toEqual({ atMs: NOW_MS + 6000, turnMs: 2000, recoveryMs: 0 });
  });

  it.each([
    [10_000, 40_000],
    [49_999, 1],
    [50_000, 0],
    [90_000, 0],
  ])('unready for %i ms of a usual 50 s - %i ms more, and then the turns', (sinceMs, leftMs) => {
    const drain = { turnMs: 2000, recoveryMs: 50_000, unreadySinceMs: NOW_MS - sinceMs };
    expect(estimateOf(drain, 1, at(NOW_MS))).toEqual({
      atMs: NOW_MS + leftMs + 2000,
      turnMs: 2000,
      recoveryMs: leftMs,
    });
  });

  it('unready for the first time - no recovery is known, so only the turns', () => {
    expect(estimateOf({ turnMs: 2000, unreadySinceMs: NOW_MS }, 1, at(NOW_MS))).toMatchObject({
      atMs: NOW_MS + 2000,
      recoveryMs: 0,
    });
  });
});
