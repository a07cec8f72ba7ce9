import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deferralMs, deferralUntilMs, retryDelayMs } from '../../core/deferral.ts';

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

describe('a wait until a known moment', () => {
  const NOW = 1_000_000;

  it.each([
    [-1000, 1000],
    [0, 1000],
    [999, 1000],
    [1000, 1000],
    [1001, 1001],
    [119_999, 119_999],
    [120_000, 120_000],
    [120_001, 120_000],
    [86_400_000, 120_000],
  ])('%i ms ahead - %i ms: at least a second, and a crash is noticed within two minutes', (aheadMs, ms) => {
    expect(deferralUntilMs(NOW, NOW + aheadMs)).toBe(ms);
  });
});

describe('how long an agent that failed is left alone', () => {
  it.each([
    [0, 5000],
    [1, 5000],
    [2, 10_000],
    [3, 20_000],
    [4, 40_000],
    [5, 60_000],
    [6, 60_000],
    [1000, 60_000],
  ])('after %i failures - %i ms', (failures, ms) => {
    expect(retryDelayMs(failures, 0)).toBe(ms);
  });

  it('jitter - takes off up to a fifth', () => {
    expect(retryDelayMs(3, 0.5)).toBe(18_000);
    expect(retryDelayMs(3, 1)).toBe(16_000);
  });

  it.each([
    [4, 5000],
    [5, 5000],
    [6, 6000],
    [120, 120_000],
    [121, 120_000],
    [1e9, 120_000],
  ])('it asks for %i s itself - %i ms: never sooner than it says, up to two minutes', (seconds, ms) => {
    expect(retryDelayMs(1, 0, seconds)).toBe(ms);
    expect(retryDelayMs(1, 1, seconds)).toBeGreaterThanOrEqual(Math.min(seconds * 1000, 120_000));
  });

  it('any failures, any jitter, any wish - from four seconds to two minutes, in whole milliseconds', () => {
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    const wish = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), jitter, wish, (failures, by, seconds) => {
        const ms = retryDelayMs(failures, by, seconds);
        expect(ms).toBeGreaterThanOrEqual(4000);
        expect(ms).toBeLessThanOrEqual(120_000);
        expect(Number.isInteger(ms)).toBe(true);
      }),
    );
  });
});
