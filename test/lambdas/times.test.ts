/** Row 35: times before 1970 pass for times, but no item that holds one can be read again. */
import { expect, it } from 'vitest';
import { heartbeatBody, pauseBody } from '../../lambdas/schemas/api.ts';

it.each(['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '2026-02-30T00:00:00Z'])(
  'row 35: the time %s - refused in a lease and in a pause',
  (time) => {
    expect(heartbeatBody.safeParse({ bootId: 'b', seq: 1, busyUntil: time }).success).toBe(false);
    expect(pauseBody.safeParse({ reason: 'x', until: time }).success).toBe(false);
  },
);

it.each(['1970-01-01T00:00:00Z', '2026-11-24T12:00:00.000Z'])('the time %s - taken', (time) => {
  expect(heartbeatBody.safeParse({ bootId: 'b', seq: 1, busyUntil: time }).success).toBe(true);
  expect(pauseBody.safeParse({ reason: 'x', until: time }).success).toBe(true);
});
