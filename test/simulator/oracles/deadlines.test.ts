/** Bounds of V1 and V8: what the faults of before still hold up is not late, and what Defib itself holds up is. */
import { expect, test } from 'vitest';
import { defaultSettings, policyOf } from '../../../core/policy.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Message } from '../aws/sqs.ts';
import type { Machine } from '../machine.ts';
import { Truth, type Member } from '../truth.ts';
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

/** What is broken when the head of a living, ready workspace was received then, and is hidden for two minutes of calm. */
function brokenWhileHidden(about: { receivedAtMs: number; deferredUntilMs: number }): string[] {
  const broken: string[] = [];
  const truth = new Truth();
  const machine: Partial<Machine> = { instanceId: 'i-1', instance: 'running', agent: 'up', activeTasks: 0 };
  truth.add({ workspaceId: 'ws-1', machine: machine as Machine } as Member);
  const items: Record<string, Item> = {
    'WS#ws-1 STATE': { instanceId: 'i-1', settleUntilMs: 0, freshUntilMs: 0, desired: 'running' },
    'WS#ws-1 PARKED': {
      head: { requestId, receiptHandle: 'newest', notBeforeMs: 0 },
      drain: { nextDueAtMs: about.deferredUntilMs },
    },
    [`REQ#${requestId} REQUEST`]: { ...row, expiresAtMs: CALM_AT_MS + 60 * MINUTE_MS },
  };
  let nowMs = CALM_AT_MS;
  const visibleAtMs = CALM_AT_MS + 3 * MINUTE_MS;
  const body = JSON.stringify({ requestId });
  const message = { body, handle: 'newest', receivedAtMs: about.receivedAtMs, visibleAtMs } as Message;
  const witness: Partial<CalmWitness> = {
    truth,
    policy: policyOf(defaultSettings),
    calmAtMs: CALM_AT_MS,
    nowMs: () => nowMs,
    stored: (pk, sk) => items[`${pk} ${sk}`],
    headOf: () => message,
    launchTimeOf: () => 0,
    broken: (invariant) => broken.push(invariant),
  };
  const oracle = new DeadlineOracle(witness as CalmWitness);
  for (; nowMs <= CALM_AT_MS + 100_000; nowMs += 20_000) oracle.look();
  return broken;
}

test('a head is hidden for longer than deliver wished, by a fault of before the calm - nobody but the queue is waited for', () => {
  const receivedAtMs = CALM_AT_MS - 4000;
  expect(brokenWhileHidden({ receivedAtMs, deferredUntilMs: CALM_AT_MS })).toEqual([]);
});

test('a head is hidden as long as deliver wished, or received in the calm - its workspace is kept waiting (V8)', () => {
  const receivedAtMs = CALM_AT_MS - 4000;
  const deferredUntilMs = CALM_AT_MS + 3 * MINUTE_MS;
  expect(brokenWhileHidden({ receivedAtMs, deferredUntilMs })).toEqual(['V8']);
  expect(brokenWhileHidden({ receivedAtMs: CALM_AT_MS, deferredUntilMs: CALM_AT_MS })).toEqual(['V8']);
});
