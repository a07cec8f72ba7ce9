import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockFact, latestMs } from '../../core/clock.ts';
import { NOW_MS, policy } from './builders.ts';

const skewMs = policy.skewMarginMs;

describe('the second opinion on the clock', () => {
  it('the database gave no time - unknown', () => {
    expect(clockFact(NOW_MS, undefined, skewMs)).toBe('unknown');
  });

  it.each([
    ['behind by the margin', -skewMs, 'agrees'],
    ['behind by more', -skewMs - 1, 'disagrees'],
    ['in step', 0, 'agrees'],
    ['ahead by the margin', skewMs, 'agrees'],
    ['ahead by the margin and the second that a Date header cuts off', skewMs + 1000, 'agrees'],
    ['ahead by more', skewMs + 1001, 'disagrees'],
  ])('%s - %s', (_how, aheadMs, fact) => {
    expect(clockFact(NOW_MS + aheadMs, NOW_MS, skewMs)).toBe(fact);
  });

  it.each([NaN, Infinity, -Infinity])('a time of %d - they disagree, on either side', (junk) => {
    expect(clockFact(NOW_MS, junk, skewMs)).toBe('disagrees');
    expect(clockFact(junk, NOW_MS, skewMs)).toBe('disagrees');
  });

  it('five minutes of skew in any direction - never agrees (S16)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 6001, max: 300_000 }), fc.nat({ max: 999 }), (skew, cutOffMs) => {
        expect(clockFact(NOW_MS + skew, NOW_MS - cutOffMs, skewMs)).toBe('disagrees');
        expect(clockFact(NOW_MS - skew, NOW_MS - cutOffMs, skewMs)).toBe('disagrees');
      }),
    );
  });
});

describe('the latest that it can be', () => {
  it('whatever the own clock is off by, and however long the calls took - it is not later than that', () => {
    const calls = { toMs: fc.nat(3000), backMs: fc.nat(3000), sinceMs: fc.nat(60_000) };
    fc.assert(
      fc.property(
        fc.integer({ min: -300_000, max: 300_000 }),
        fc.record(calls),
        fc.nat(999),
        (offMs, took, cut) => {
          const answeredAtMs = NOW_MS + cut;
          const trueMs = answeredAtMs + took.backMs + took.sinceMs;
          const askedAtMs = answeredAtMs - took.toMs + offMs;
          expect(latestMs(trueMs + offMs, { askedAtMs, serverTimeMs: NOW_MS })).toBeGreaterThanOrEqual(
            trueMs,
          );
        },
      ),
    );
  });

  it('the database gave no time - by the own clock', () => {
    expect(latestMs(NOW_MS, { askedAtMs: NOW_MS - 5 })).toBe(NOW_MS);
  });
});
