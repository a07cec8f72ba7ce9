import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSettling, settleUntilMs } from '../../core/settle.ts';
import { NOW_MS, policy } from './builders.ts';

describe('until when a workspace settles', () => {
  it('nothing but the stored anchor is known - until what is stored', () => {
    expect(settleUntilMs(NOW_MS, undefined, policy)).toBe(NOW_MS);
  });

  it('the probe has seen a newer start - a whole window from it', () => {
    expect(settleUntilMs(NOW_MS, NOW_MS - 1000, policy)).toBe(NOW_MS - 1000 + policy.settleWindowMs);
  });

  it('the probe has seen an older start - until what is stored', () => {
    expect(settleUntilMs(NOW_MS, NOW_MS - policy.settleWindowMs - 1, policy)).toBe(NOW_MS);
  });

  it.each([NaN, Infinity, -Infinity])('a LaunchTime of %d - until what is stored', (launchTimeMs) => {
    expect(settleUntilMs(NOW_MS, launchTimeMs, policy)).toBe(NOW_MS);
  });

  it('whatever is learned - the anchor never moves back (S17)', () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.double(), { nil: undefined }), (storedMs, launchTimeMs) => {
        expect(settleUntilMs(storedMs, launchTimeMs, policy)).toBeGreaterThanOrEqual(storedMs);
      }),
    );
  });
});

describe('whether it still settles', () => {
  it.each([
    [-1, true],
    [0, false],
    [1, false],
  ])('%i ms from the end - %s: the last millisecond is excluded', (offsetMs, settles) => {
    expect(isSettling(NOW_MS, NOW_MS + offsetMs)).toBe(settles);
  });
});
