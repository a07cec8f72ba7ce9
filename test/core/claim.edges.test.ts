/** The corners of a claim: when a wait is over to the millisecond, and how many restarts a workspace remembers. */
import { describe, expect, it } from 'vitest';
import { CAPACITY_DEADLINE_MS, prepareClaim, type ClaimOrder, type ClaimWrite } from '../../core/claim.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { aWorkspace, at, deepFrozen, NOW_MS, policy } from './builders.ts';

const order: ClaimOrder = { token: 'verdict-1', kind: 'dead', reason: 'stopped', forced: false };
function claimed(agoMs: readonly number[], forced = false, by = policy): ClaimWrite['sets'] {
  const workspace = aWorkspace({ recentRestartsMs: agoMs.map((ms) => NOW_MS - ms) });
  const write = prepareClaim(deepFrozen(workspace), { ...order, forced }, at(NOW_MS), by);
  if (write === 'restart-budget-spent') throw new Error('expected a claim');
  return write.sets;
}

describe('the second restart in a row waits for a minute from the first', () => {
  it.each([
    [-1, 1],
    [0, undefined],
    [1, undefined],
  ])('%i ms past that minute - it waits %s ms more', (pastMs, waitMs) => {
    const { claim } = claimed([policy.settleWindowMs + pastMs]);
    expect(claim.notBeforeMs).toBe(waitMs === undefined ? undefined : NOW_MS + waitMs);
    expect(claim.waitsFor).toBe(waitMs === undefined ? undefined : 'back-off');
  });
});

describe('the restarts that a workspace remembers', () => {
  const before = (count: number) => Array.from({ length: count }, (_, index) => 1000 * (count - index));

  it.each([
    [6, 7],
    [7, 8],
    [8, 8],
    [20, 8],
  ])('%i forced ones before this - %i, the latest', (count, kept) => {
    const { recentRestartsMs } = claimed(before(count), true);
    expect(recentRestartsMs).toHaveLength(kept);
    expect(recentRestartsMs.at(-1)).toBe(NOW_MS);
    expect(recentRestartsMs).toEqual([...recentRestartsMs].sort());
  });

  it('a budget of twelve - twelve, as many as it takes to know that it is spent', () => {
    const generous = policyOf({ ...defaultSettings, restartsPerWindow: 12 });
    expect(claimed(before(20), true, generous).recentRestartsMs).toHaveLength(12);
  });
});

it('a Start that meets no capacity is tried for an hour', () => {
  expect(CAPACITY_DEADLINE_MS).toBe(3_600_000);
});
