import { expect, it } from 'vitest';
import { afterAttempt } from '../../core/attempt.ts';

it('somebody else listens at the address - later again, no failure of the agent, and nothing has arrived there', () => {
  expect(afterAttempt({ kind: 'stranger' })).toEqual({
    later: 'stranger',
    failure: false,
    mayHaveArrived: false,
  });
});

it.each(['refused', 'reset', 'eof', 'deadline', 'unreachable'] as const)(
  'whoever is there fails (%s) before anything is sent to it - later again, and nothing has arrived there',
  (because) => {
    expect(afterAttempt({ kind: 'failed', because, unsent: true })).toEqual({
      later: because,
      failure: false,
      mayHaveArrived: false,
    });
  },
);
