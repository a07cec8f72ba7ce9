import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInstant, isoTime, rangeOfCall, rangeOfMessage } from '../../core/time.ts';
import { NOW_MS } from './builders.ts';

describe('what an instant is', () => {
  it.each([0, 0.5, NOW_MS, 8.64e15])('%d can be one', (value) => {
    expect(isInstant(value)).toBe(true);
  });

  it.each([-1, -0.1, 8.64e15 + 2, 1e300, NaN, Infinity, -Infinity, '5', null, undefined, [5], true, 5n])(
    '%s can not',
    (value) => {
      expect(isInstant(value)).toBe(false);
    },
  );

  it('what is an instant can be written, as ISO 8601 in UTC', () => {
    expect(isoTime(NOW_MS)).toBe('2026-11-24T12:00:00.000Z');
    fc.assert(fc.property(fc.double({ min: 0, max: 8.64e15 }).filter(isInstant), (ms) => void isoTime(ms)));
  });
});

describe('the time of an API call', () => {
  it('both clocks are known - it spans them, whichever is ahead', () => {
    expect(rangeOfCall(NOW_MS, NOW_MS - 40)).toEqual({ earliestMs: NOW_MS - 40, latestMs: NOW_MS });
    expect(rangeOfCall(NOW_MS - 40, NOW_MS)).toEqual({ earliestMs: NOW_MS - 40, latestMs: NOW_MS });
  });

  it.each([undefined, NaN, -1])('the gateway says %s - our own clock alone', (gatewayMs) => {
    expect(rangeOfCall(NOW_MS, gatewayMs)).toEqual({ earliestMs: NOW_MS, latestMs: NOW_MS });
  });
});

describe('the time of a queue message', () => {
  const times = {
    sentAtMs: NOW_MS - 5000,
    delayMs: 2000,
    firstReceivedAtMs: NOW_MS - 2900,
    answeredAtMs: undefined,
  };

  it('received as soon as its delay was over - it begins with that, and time in the queue is not spread', () => {
    expect(rangeOfMessage(NOW_MS, times)).toEqual({ earliestMs: NOW_MS - 2900, latestMs: NOW_MS });
  });

  it('the receive was stamped before the delay was over - it begins when the delay is', () => {
    const early = { ...times, firstReceivedAtMs: NOW_MS - 4000 };
    expect(rangeOfMessage(NOW_MS, early)).toEqual({ earliestMs: NOW_MS - 3000, latestMs: NOW_MS });
  });

  it('it waited for minutes by visibility - it begins with what the database has just answered', () => {
    const waited = { ...times, firstReceivedAtMs: NOW_MS - 600_000, sentAtMs: NOW_MS - 600_000 };
    expect(rangeOfMessage(NOW_MS, { ...waited, answeredAtMs: NOW_MS - 300 }).earliestMs).toBe(NOW_MS - 300);
    expect(rangeOfMessage(NOW_MS, waited).earliestMs).toBe(NOW_MS - 598_000);
  });

  it('time has passed since the database was asked - the range ends as much later, whatever our own clock shows', () => {
    const times = { sentAtMs: 0, delayMs: 0, firstReceivedAtMs: 0, answeredAtMs: 100_000 };
    expect(rangeOfMessage(90_000, { ...times, passedMs: 17_000 })).toEqual({
      earliestMs: 90_000,
      latestMs: 117_000,
    });
    expect(rangeOfMessage(90_000, { ...times, passedMs: -5 }).latestMs).toBe(100_000);
  });

  it('our own clock is behind what is certain - the range ends there, and begins with our clock', () => {
    expect(rangeOfMessage(NOW_MS - 300_000, times)).toEqual({
      earliestMs: NOW_MS - 300_000,
      latestMs: NOW_MS - 2900,
    });
  });

  it('the attributes are no numbers - it may have been sent at any time', () => {
    const junk = { ...times, sentAtMs: NaN };
    expect(rangeOfMessage(NOW_MS, junk)).toEqual({ earliestMs: 0, latestMs: NOW_MS });
    expect(rangeOfMessage(NOW_MS, { ...junk, answeredAtMs: NOW_MS - 300 }).earliestMs).toBe(NOW_MS - 300);
  });

  it('whatever the clocks say - the true time lies within, if all of them but one are right', () => {
    const instant = fc.integer({ min: 0, max: 600_000 });
    fc.assert(
      fc.property(instant, instant, fc.integer({ min: -300_000, max: 300_000 }), (sentAgo, waited, skew) => {
        const sentAtMs = NOW_MS - sentAgo - 2000;
        const firstReceivedAtMs = Math.min(NOW_MS, sentAtMs + 2000 + waited);
        const range = rangeOfMessage(NOW_MS + skew, {
          sentAtMs,
          delayMs: 2000,
          firstReceivedAtMs,
          answeredAtMs: NOW_MS,
        });
        expect(range.earliestMs).toBeLessThanOrEqual(NOW_MS);
        expect(range.latestMs).toBeGreaterThanOrEqual(NOW_MS);
      }),
    );
  });
});
