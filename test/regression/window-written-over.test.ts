/**
 * Found by the model of claim and heartbeat: an operator announced a change of 100 s between the read of a restart and
 * its record of the start. The record then set the window that it had read, and the announced one ended early (S17).
 */
import { beforeEach, expect, test } from 'vitest';
import { prepareClaim } from '../../core/claim.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { workspaceStore } from '../../lambdas/adapters/workspace-store.ts';
import type { WorkspaceStore } from '../../lambdas/ports/workspaces.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aClaim, aStoredWorkspace, itemOf, mockedAws, NOW_MS, TABLE } from '../lambdas/mocked-aws.ts';

const ANNOUNCED_MS = NOW_MS + 100_000;
let table: MemoryTable;
let store: WorkspaceStore;
beforeEach(() => {
  table = memoryTable(mockedAws(), () => NOW_MS);
  store = workspaceStore(openTable(TABLE));
});
const settleUntilMs = () => table.item('WS#ws-1', 'STATE')?.['settleUntilMs'];

test('a longer window was announced since the read - the start is not recorded over it', async () => {
  const claim = aClaim();
  table.put(itemOf(aStoredWorkspace({ claim, settleUntilMs: ANNOUNCED_MS })));
  const starting = { ...claim, step: 'starting', startedAtMs: NOW_MS } as const;
  const to = (untilMs: number) => ({ dueAtMs: NOW_MS, settleUntilMs: untilMs });
  expect(await store.advanceClaim('ws-1', claim, starting, to(NOW_MS + 60_000))).toBe('lost');
  expect(settleUntilMs()).toBe(ANNOUNCED_MS);
  expect(await store.advanceClaim('ws-1', claim, starting, to(ANNOUNCED_MS))).toBe('advanced');
});

test('a longer window was announced since the read - a forced order does not shorten it', async () => {
  const read = aStoredWorkspace();
  table.put(itemOf({ ...read, settleUntilMs: ANNOUNCED_MS }));
  const order = { token: 'order-1', kind: 'operator', reason: 'asked', forced: true } as const;
  const now = { earliestMs: NOW_MS, latestMs: NOW_MS };
  const write = prepareClaim(read, order, now, policyOf(defaultSettings));
  if (typeof write !== 'object') throw new Error(write);
  expect(await store.claim(write)).toMatchObject({ lostTo: { settleUntilMs: ANNOUNCED_MS } });
  expect(settleUntilMs()).toBe(ANNOUNCED_MS);
});
