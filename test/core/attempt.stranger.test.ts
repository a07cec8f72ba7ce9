import { expect, it } from 'vitest';
import { afterAttempt } from '../../core/attempt.ts';

it('somebody else listens at the address - later again, no failure of the agent, and nothing has arrived there', () => {
  expect(afterAttempt({ kind: 'stranger' })).toEqual({
    later: 'stranger',
    failure: false,
    mayHaveArrived: false,
  });
});
