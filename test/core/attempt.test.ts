import { describe, expect, it } from 'vitest';
import {
  afterAttempt,
  interruptionsOf,
  MOST_INTERRUPTIONS,
  type AttemptOutcome,
} from '../../core/attempt.ts';
import { InvariantViolation } from '../../core/invariant.ts';
import { BOOT, LAUNCHED_MS } from './builders.ts';

describe('what follows from an attempt', () => {
  const after = (outcome: AttemptOutcome) => afterAttempt(outcome);
  const answered = (status: number) => after({ kind: 'answered', status });

  it.each([200, 201, 204, 299])('%i - delivered', (status) => {
    expect(answered(status)).toEqual({ state: 'delivered' });
  });

  it.each([400, 401, 404, 409, 422, 499])('%i - refused for good, with its status', (status) => {
    expect(answered(status)).toEqual({ state: 'refused', why: `status-${status}` });
  });

  it.each([425, 429])(
    '%i - the agent has not taken it: later, no failure, and no copy is with it',
    (status) => {
      expect(answered(status)).toEqual({ later: `status-${status}`, failure: false, mayHaveArrived: false });
    },
  );

  it.each([408, 503])(
    '%i - later, and no failure; but a gateway may say so with a copy on its way',
    (status) => {
      expect(answered(status)).toEqual({ later: `status-${status}`, failure: false, mayHaveArrived: true });
    },
  );

  it.each([500, 502, 504, 599, 100, 199, 300, 301, 302, 399])('%i - a failure, later again', (status) => {
    expect(answered(status)).toEqual({ later: `status-${status}`, failure: true, mayHaveArrived: true });
  });

  it.each(['reset', 'eof', 'deadline', 'broken'] as const)(
    '%s - a failure, and a copy may have arrived',
    (because) => {
      expect(after({ kind: 'failed', because })).toEqual({
        later: because,
        failure: true,
        mayHaveArrived: true,
      });
    },
  );

  it.each(['refused', 'unreachable'] as const)('%s - no failure of the agent, nothing arrived', (because) => {
    expect(after({ kind: 'failed', because })).toEqual({
      later: because,
      failure: false,
      mayHaveArrived: false,
    });
  });

  it('the agent says when to come again - only where it asks for another try', () => {
    const told = (status: number) => after({ kind: 'answered', status, retryAfterSeconds: 7 });
    expect(told(429)).toMatchObject({ retryAfterSeconds: 7 });
    expect(answered(429)).not.toHaveProperty('retryAfterSeconds');
    expect(told(500)).not.toHaveProperty('retryAfterSeconds');
  });

  it('an outcome that nobody knows - a bug, loudly', () => {
    expect(() => after({ kind: 'vanished' } as unknown as AttemptOutcome)).toThrow(InvariantViolation);
  });
});

describe('the restarts in a row that a request was in flight at', () => {
  const agent = { launchTimeMs: LAUNCHED_MS, bootId: BOOT };
  const cutOff = { ...agent, answered: false };
  const another = { launchTimeMs: LAUNCHED_MS + 60_000, bootId: 'boot-2' };

  it('no attempt yet - none, whatever was counted', () => {
    expect(interruptionsOf({}, agent)).toBe(0);
    expect(interruptionsOf({ interruptions: 2 }, agent)).toBe(0);
  });

  it('the last attempt was answered, be it by a failure - none: the count begins anew', () => {
    const answered = { ...cutOff, answered: true };
    expect(interruptionsOf({ lastAttempt: answered, interruptions: 2 }, another)).toBe(0);
  });

  it.each([
    ['another launch', { ...agent, launchTimeMs: another.launchTimeMs }],
    ['another boot of the agent', { ...agent, bootId: another.bootId }],
    ['both', another],
  ])('no answer, and since then %s - one more', (_what, now) => {
    expect(interruptionsOf({ lastAttempt: cutOff }, now)).toBe(1);
    expect(interruptionsOf({ lastAttempt: cutOff, interruptions: 2 }, now)).toBe(3);
  });

  it('no answer, and the same agent as before - as many as before: only the function was cut off', () => {
    expect(interruptionsOf({ lastAttempt: cutOff, interruptions: 2 }, agent)).toBe(2);
    expect(interruptionsOf({ lastAttempt: cutOff }, agent)).toBe(0);
  });

  it('launch or boot unknown, before or now - no difference', () => {
    expect(interruptionsOf({ lastAttempt: { answered: false } }, another)).toBe(0);
    expect(interruptionsOf({ lastAttempt: cutOff }, {})).toBe(0);
  });

  it('three restarts in a row - as many as there may be: the fourth attempt is not made', () => {
    let request: Parameters<typeof interruptionsOf>[0] = {};
    const counted = [1, 2, 3, 4].map((boot) => {
      const now = { bootId: `boot-${boot}` };
      const interruptions = interruptionsOf(request, now);
      request = { lastAttempt: { ...now, answered: false }, interruptions };
      return interruptions;
    });
    expect(counted).toEqual([0, 1, 2, 3]);
    expect(MOST_INTERRUPTIONS).toBe(3);
  });
});
