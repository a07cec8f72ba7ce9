import { describe, expect, it } from 'vitest';
import { afterAttempt, type AttemptOutcome } from '../../core/attempt.ts';
import { InvariantViolation } from '../../core/invariant.ts';

describe('what follows from an attempt', () => {
  const after = (outcome: AttemptOutcome) => afterAttempt(outcome);
  const answered = (status: number) => after({ kind: 'answered', status });

  it.each([200, 201, 204, 299])('%i - delivered', (status) => {
    expect(answered(status)).toEqual({ state: 'delivered' });
  });

  it.each([400, 401, 404, 409, 422, 499])('%i - refused for good, with its status', (status) => {
    expect(answered(status)).toEqual({ state: 'refused', why: `status-${status}` });
  });

  it.each([408, 425, 429, 503])('%i - the agent has not taken it: later, and no failure', (status) => {
    expect(answered(status)).toEqual({ later: `status-${status}`, failure: false, mayHaveArrived: true });
  });

  it.each([500, 502, 504, 599, 100, 199, 300, 301, 302, 399])('%i - a failure, later again', (status) => {
    expect(answered(status)).toEqual({ later: `status-${status}`, failure: true, mayHaveArrived: true });
  });

  it.each(['reset', 'eof', 'deadline'] as const)('%s - a failure, and a copy may have arrived', (because) => {
    expect(after({ kind: 'failed', because })).toEqual({
      later: because,
      failure: true,
      mayHaveArrived: true,
    });
  });

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
    expect(told(500)).not.toHaveProperty('retryAfterSeconds');
  });

  it('an outcome that nobody knows - a bug, loudly', () => {
    expect(() => after({ kind: 'vanished' } as unknown as AttemptOutcome)).toThrow(InvariantViolation);
  });
});
