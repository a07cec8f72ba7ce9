/** A bad call as the end-to-end tests make it: what it is answered, and that it left nothing behind. */
import { expect } from 'vitest';
import type { ApiAnswer } from '../../local/api-client.ts';
import { local, type TestWorkspace } from './fleet.ts';
import { depthOf, snapshotOf } from './stores.ts';
import { until } from './wait.ts';

/** Waits until no message of other tests is under way, so that the queues stand still. */
export async function untilQueuesRest(): Promise<void> {
  const { reprobe, restart, parked, deliveries } = local.queues;
  const working = [reprobe, restart, parked, deliveries];
  let depths: number[] = [];
  await until(
    'the queues rest',
    async () => {
      depths = await Promise.all(working.map(depthOf));
      return depths.every((depth) => depth === 0) ? true : undefined;
    },
    // A message of a request that has ended is dropped at its next look, which may be a minute away.
    { deadlineMs: 150_000, seen: () => `re-probe, restart, parked, deliveries: ${depths.join(', ')}` },
  );
}

/** Does something that must change nothing, neither in the table nor in a queue. */
export async function changingNothing<T>(ws: TestWorkspace, act: () => Promise<T>): Promise<T> {
  const before = await snapshotOf(ws.workspaceId);
  const result = await act();
  expect(await snapshotOf(ws.workspaceId)).toEqual(before);
  return result;
}

/** The function refused, in problem+json, and named the field if it is one's fault. */
export function expectProblem(answer: ApiAnswer, status: number, code: string, field?: string): void {
  expect(answer).toMatchObject({
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: {
      status,
      code,
      ...(field !== undefined && {
        errors: expect.arrayContaining([expect.objectContaining({ field })]) as unknown,
      }),
    },
  });
}

/** Refused by whoever came first, the gateway or the function. */
export function expectClientError(answer: ApiAnswer): void {
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
}
