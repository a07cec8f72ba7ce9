import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deferralMs } from '../../core/deferral.ts';

describe('how long a deferred message stays invisible', () => {
  it.each([
    [-1, 5000],
    [0, 5000],
    [5000, 5000],
    [5001, 5001],
    [10_000, 10_000],
    [20_000, 20_000],
    [59_999, 59_999],
    [60_000, 60_000],
    [60_001, 60_000],
    [3_600_000, 60_000],
    [3_600_001, 120_000],
    [86_400_000, 120_000],
  ])(
    'it has waited %i ms - %i ms more: as long again, so that the waits double, and patient after an hour',
    (waitedMs, ms) => {
      expect(deferralMs(waitedMs, 0)).toBe(ms);
    },
  );

  it('soon - two seconds, whatever else', () => {
    expect(deferralMs(86_400_000, 1, true)).toBe(2000);
  });

  it('jitter - takes off up to a fifth', () => {
    expect(deferralMs(0, 0.5)).toBe(4500);
    expect(deferralMs(0, 1)).toBe(4000);
  });

  it('any wait, any jitter - from four seconds to two minutes, in whole milliseconds', () => {
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat({ max: 86_400_000 }), jitter, (waited, by) => {
        const ms = deferralMs(waited, by);
        expect(ms).toBeGreaterThanOrEqual(4000);
        expect(ms).toBeLessThanOrEqual(120_000);
        expect(Number.isInteger(ms)).toBe(true);
      }),
    );
  });

  it.each([0, 0.5, 1])(
    'a whole day with a jitter of %d - less than a thousand receives: the queue allows no more',
    (jitter) => {
      let waitedMs = 0;
      let receives = 0;
      while (waitedMs < 86_400_000) {
        waitedMs += deferralMs(waitedMs, jitter);
        receives++;
      }
      expect(receives).toBeLessThan(1000);
    },
  );
});
