import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  prepareClaim,
  RESTART_DEADLINE_MS,
  restartsLeft,
  RESUME_AFTER_MS,
  type ClaimOrder,
  type ClaimWrite,
} from '../../core/claim.ts';
import { policyOf, defaultSettings } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Workspace } from '../../core/workspace.ts';
import {
  aMuteWorkspace,
  aWorkspace,
  at,
  BOOT,
  deepFrozen,
  INSTANCE,
  LAUNCHED_MS,
  NOW_MS,
  policy,
} from './builders.ts';

const byVerdict: ClaimOrder = {
  token: 'verdict-1',
  kind: 'dead',
  reason: 'stopped',
  forced: false,
  launchTimeMs: LAUNCHED_MS,
};
const byOperator: ClaimOrder = { ...byVerdict, token: 'order-1', kind: 'operator', reason: 'upgrade' };
const forced: ClaimOrder = { ...byOperator, forced: true };

function claimed(workspace: Workspace, order: ClaimOrder, now: TimeRange = at(NOW_MS)): ClaimWrite {
  const write = prepareClaim(deepFrozen(workspace), deepFrozen(order), now, policy);
  if (write === 'restart-budget-spent') throw new Error('expected a claim');
  return write;
}

describe('what the claim of a verdict requires', () => {
  it('everything as it was judged, and every window past by the skew margin', () => {
    expect(claimed(aWorkspace(), byVerdict)).toMatchObject({ workspaceId: 'ws-1', token: 'verdict-1' });
    expect(claimed(aWorkspace(), byVerdict).requires).toEqual({
      generation: 3,
      instanceId: INSTANCE,
      evidenceVerdictId: 'verdict-1',
      bootId: BOOT,
      seq: 41,
      settledBeforeMs: NOW_MS - policy.skewMarginMs,
      staleBeforeMs: NOW_MS - policy.skewMarginMs,
      notQuarantined: true,
      pauseEndedByMs: NOW_MS,
    });
  });

  it('a silent agent - the same: no beat may have come (S3)', () => {
    const silent: ClaimOrder = { ...byVerdict, kind: 'silent', reason: 'silent' };
    expect(claimed(aWorkspace(), silent).requires).toEqual(claimed(aWorkspace(), byVerdict).requires);
  });

  it('by the earliest end of the time range: a fast clock claims nothing', () => {
    const { requires } = claimed(aWorkspace(), byVerdict, at(NOW_MS - 300, NOW_MS));
    expect(requires).toMatchObject({
      settledBeforeMs: NOW_MS - 300 - policy.skewMarginMs,
      staleBeforeMs: NOW_MS - 300 - policy.skewMarginMs,
      pauseEndedByMs: NOW_MS - 300,
    });
  });

  it('never beaten - no beat may have come at all, so none is named', () => {
    const { requires } = claimed(aMuteWorkspace(), byVerdict);
    expect(requires).not.toHaveProperty('bootId');
    expect(requires).not.toHaveProperty('seq');
    expect(requires).toHaveProperty('staleBeforeMs');
  });
});

describe("what the claim of an operator's order requires", () => {
  it('no evidence and no silence, for a healthy agent beats on; but the boot of that moment', () => {
    expect(claimed(aWorkspace(), byOperator).requires).toEqual({
      generation: 3,
      instanceId: INSTANCE,
      bootId: BOOT,
      notQuarantined: true,
      settledBeforeMs: NOW_MS,
      pauseEndedByMs: NOW_MS,
    });
  });

  it('forced - neither settled nor unpaused, and still the generation, instance and boot', () => {
    expect(claimed(aWorkspace(), forced).requires).toEqual({
      generation: 3,
      instanceId: INSTANCE,
      bootId: BOOT,
    });
  });
});

describe('what the claim sets', () => {
  it('the claim, one generation on, its settle window, and the condemned boot retired', () => {
    expect(claimed(aWorkspace(), byVerdict, at(NOW_MS - 300, NOW_MS)).sets).toEqual({
      claim: {
        token: 'verdict-1',
        kind: 'dead',
        reason: 'stopped',
        step: 'awaiting-admission',
        attempt: 0,
        epoch: 0,
        sinceMs: NOW_MS,
        deadlineMs: NOW_MS + RESTART_DEADLINE_MS,
        instanceId: INSTANCE,
        forced: false,
        settleUntilMs: NOW_MS + policy.settleWindowMs,
        launchTimeMs: LAUNCHED_MS,
        bootId: BOOT,
      },
      generation: 4,
      settleUntilMs: NOW_MS + policy.settleWindowMs,
      retiredBootId: BOOT,
      recentRestartsMs: [NOW_MS],
    });
  });

  it('never beaten, LaunchTime unknown - nothing is retired and no boot condemned', () => {
    const { launchTimeMs: _launchTimeMs, ...order } = byVerdict;
    const { sets } = claimed(aMuteWorkspace(), order);
    expect(sets).not.toHaveProperty('retiredBootId');
    expect(sets.claim).not.toHaveProperty('bootId');
    expect(sets.claim).not.toHaveProperty('launchTimeMs');
  });

  it('a settle window that reaches further already - stays (S17)', () => {
    const untilMs = NOW_MS + 3_600_000;
    const { sets } = claimed(aWorkspace({ settleUntilMs: untilMs }), forced);
    expect([sets.settleUntilMs, sets.claim.settleUntilMs]).toEqual([untilMs, untilMs]);
  });

  it('who ordered it, and whether by force - kept with the claim', () => {
    expect(claimed(aWorkspace(), forced).sets.claim).toMatchObject({
      kind: 'operator',
      reason: 'upgrade',
      forced: true,
    });
  });
});

describe('the restart budget (S13)', () => {
  const restarted = (...agoMs: number[]) => aWorkspace({ recentRestartsMs: agoMs.map((ms) => NOW_MS - ms) });
  const windowMs = policy.restartWindowMs;

  it('three restarts within half an hour - spent', () => {
    expect(prepareClaim(restarted(windowMs - 1, 900_000, 60_000), byVerdict, at(NOW_MS), policy)).toBe(
      'restart-budget-spent',
    );
    expect(prepareClaim(restarted(3, 2, 1), byOperator, at(NOW_MS), policy)).toBe('restart-budget-spent');
  });

  it('two, and one half an hour ago - there is one left; the row goes on, so the old one makes the next wait longer', () => {
    const { sets } = claimed(restarted(windowMs, 900_000, 60_000), byVerdict);
    expect(sets.recentRestartsMs).toEqual([NOW_MS - windowMs, NOW_MS - 900_000, NOW_MS - 60_000, NOW_MS]);
  });

  it('half an hour of health since the last restart - all are forgiven', () => {
    const { sets } = claimed(restarted(windowMs + 5, windowMs), byVerdict);
    expect(sets.recentRestartsMs).toEqual([NOW_MS]);
    expect(sets.claim.notBeforeMs).toBeUndefined();
  });

  it('dies over and over - each restart waits longer, from the one before, up to a quarter of an hour', () => {
    const notBefore = (...agoMs: number[]) => {
      const { claim } = claimed(restarted(...agoMs), byVerdict).sets;
      return claim.notBeforeMs === undefined ? 'at once' : claim.notBeforeMs - NOW_MS;
    };
    expect(notBefore()).toBe('at once');
    expect(notBefore(120_000)).toBe('at once');
    expect(notBefore(20_000)).toBe(40_000);
    expect(notBefore(240_000, 120_000)).toBe(120_000);
    expect(notBefore(windowMs + 2, windowMs + 1, 120_000)).toBe(780_000);
  });

  it('a restart that waits - has its whole time from then on', () => {
    const { claim } = claimed(restarted(240_000, 120_000), byVerdict).sets;
    expect(claim.deadlineMs).toBe(NOW_MS + 120_000 + RESTART_DEADLINE_MS);
    expect(claim.waitsFor).toBe('back-off');
  });

  it('an order by an operator - does not wait', () => {
    expect(claimed(restarted(240_000, 1000), byOperator).sets.claim).not.toHaveProperty('notBeforeMs');
  });

  it('a restart that needs a yes - begins by waiting for it', () => {
    expect(claimed(aWorkspace(), { ...byVerdict, needsApproval: true }).sets.claim.step).toBe(
      'awaiting-approval',
    );
  });

  it('the time is unsure - the earliest end decides what still counts', () => {
    const workspace = restarted(windowMs, 900_000, 60_000);
    expect(prepareClaim(workspace, byVerdict, at(NOW_MS - 1, NOW_MS), policy)).toBe('restart-budget-spent');
  });

  it('forced - nothing is spent, and it is counted all the same', () => {
    expect(claimed(restarted(3, 2, 1), forced).sets.recentRestartsMs).toHaveLength(4);
  });

  it.each([
    [[], 3],
    [[windowMs], 3],
    [[windowMs - 1], 2],
    [[2, 1], 1],
    [[3, 2, 1], 0],
    [[4, 3, 2, 1], 0],
  ])('restarts %j ms ago - %i left', (agoMs, left) => {
    expect(restartsLeft(restarted(...agoMs), at(NOW_MS), policy)).toBe(left);
  });

  it('claims as fast as they are given - never more than the budget in any window', () => {
    const budgets = fc.record({
      restartsPerWindow: fc.integer({ min: 1, max: 6 }),
      restartWindowSeconds: fc.integer({ min: 60, max: 900 }),
    });
    fc.assert(
      fc.property(budgets, fc.array(fc.nat({ max: 400_000 }), { maxLength: 40 }), (budget, gaps) => {
        const tight = policyOf({ ...defaultSettings, ...budget });
        let workspace = aWorkspace();
        let nowMs = NOW_MS;
        const grantedMs: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          const write = prepareClaim(workspace, byVerdict, at(nowMs), tight);
          if (write === 'restart-budget-spent') continue;
          grantedMs.push(nowMs);
          workspace = { ...workspace, recentRestartsMs: write.sets.recentRestartsMs };
        }
        for (const endMs of grantedMs) {
          const within = grantedMs.filter((ms) => ms <= endMs && ms > endMs - tight.restartWindowMs);
          expect(within.length).toBeLessThanOrEqual(budget.restartsPerWindow);
        }
      }),
    );
  });
});

describe('the patience of claims', () => {
  it('a claim is resumed long before it is given up', () => {
    expect(RESUME_AFTER_MS).toBe(120_000);
    expect(RESTART_DEADLINE_MS).toBe(15 * 60_000);
  });
});
