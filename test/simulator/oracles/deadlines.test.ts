/** The bound of V1: what no code can have ended yet is not late, and a sweep after that it is. */
import { expect, test } from 'vitest';
import { Truth } from '../truth.ts';
import { DeadlineOracle, type CalmWitness } from './deadlines.ts';

const CALM_AT_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const requestId = 'request-1';
const row = { requestId, workspaceId: 'ws-1', state: 'parked', expiresAtMs: CALM_AT_MS - MINUTE_MS };

/** What is broken at that time, where the request's only promise was made at the other. */
function brokenAt(nowMs: number, { promisedAtMs }: { readonly promisedAtMs: number }): string[] {
  const broken: string[] = [];
  const truth = new Truth();
  truth.promised.set(requestId, { ...row, atMs: promisedAtMs });
  const witness: Partial<CalmWitness> = {
    truth,
    calmAtMs: CALM_AT_MS,
    nowMs: () => nowMs,
    stored: (pk) => (pk === `REQ#${requestId}` ? row : undefined),
    broken: (invariant) => broken.push(invariant),
  };
  new DeadlineOracle(witness as CalmWitness).look();
  return broken;
}

test('a request is kept only after it had expired, by a sandbox that stood still - a sweep may pass from then on, not more', () => {
  const promisedAtMs = CALM_AT_MS + 5 * MINUTE_MS;
  expect(brokenAt(promisedAtMs + MINUTE_MS, { promisedAtMs })).toEqual([]);
  expect(brokenAt(promisedAtMs + 2 * MINUTE_MS, { promisedAtMs })).toEqual(['V1']);
});

test('a request was kept before it expired - a sweep may pass from its expiry on, once the world is calm for long enough', () => {
  const promisedAtMs = CALM_AT_MS - 5 * MINUTE_MS;
  expect(brokenAt(CALM_AT_MS + 4 * MINUTE_MS, { promisedAtMs })).toEqual([]);
  expect(brokenAt(CALM_AT_MS + 6 * MINUTE_MS, { promisedAtMs })).toEqual(['V1']);
});
