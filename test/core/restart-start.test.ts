import { describe, expect, it } from 'vitest';
import { MOST_FALL_BACKS, nextRestartAction } from '../../core/restart.ts';
import { claimSteps } from '../../core/workspace.ts';
import { aClaim, aWorkspace, at, NOW_MS, seen } from './builders.ts';
import { claimOf, looks, next, stepOf, view } from './restart-view.ts';

describe('Start', () => {
  it('three succeeded, and the instance fell back each time - given up: something refuses it', () => {
    expect(MOST_FALL_BACKS).toBe(3);
    expect(next({ claim: claimOf({ ...stepOf.starting, starts: 2 }) })).toBe('start');
    expect(next({ claim: claimOf({ ...stepOf.starting, starts: 3 }) })).toBe('failed: start-refused');
  });

  it('many were throttled or met no capacity - tried on, until the deadline', () => {
    expect(next({ claim: claimOf({ ...stepOf['start-issued'], attempt: 50 }) })).toBe('start');
  });

  it.each([
    [-1, 'wait: read-lag'],
    [0, 'start'],
  ])(
    'seen stopped %i ms from 10 s after a Start - %s: the answer may be older than the Start',
    (offsetMs, action) => {
      const claim = claimOf({ ...stepOf.starting, startedAtMs: NOW_MS - 10_000 - offsetMs });
      expect(next({ claim })).toBe(action);
      expect(next({ claim, now: at(NOW_MS, NOW_MS + 60_000) })).toBe(action);
    },
  );

  it.each([
    [-1, 'wait: stop-in-flight'],
    [0, 'start'],
  ])('seen stopped %i ms from the end of the lease on an unrecorded Stop - %s', (offsetMs, action) => {
    const claim = claimOf({ ...stepOf['stop-issued'], stopLeaseUntilMs: NOW_MS - offsetMs });
    expect(next({ claim, now: at(NOW_MS, NOW_MS + 60_000) })).toBe(action);
  });

  it('wanted stopped by now, whatever was started - cancelled, and no Start (S12)', () => {
    for (const step of claimSteps) {
      const workspace = aWorkspace({ desired: 'stopped' });
      expect(next({ workspace, claim: claimOf(stepOf[step]) })).toBe('cancelled: desired-stopped');
      expect(next({ workspace, claim: claimOf({ ...stepOf[step], forced: true }) })).toBe(
        'cancelled: desired-stopped',
      );
    }
  });

  it('wanted stopped or paused by now, but Start has been issued - what became of it is found out first', () => {
    const claim = claimOf(stepOf['start-issued']);
    const paused = aWorkspace({ pause: { by: 'role/operator', reason: 'x' } });
    for (const workspace of [aWorkspace({ desired: 'stopped' }), paused]) {
      expect(next({ workspace, claim, probe: looks['running anew'] })).toBe('adopt');
      expect(next({ workspace, claim, probe: seen('pending') })).toBe('wait: booting');
    }
  });

  it('a Stop whose outcome is recorded - Start need not wait for the end of its lease', () => {
    const claim = claimOf({ step: 'stop-recorded', stopLeaseUntilMs: NOW_MS + 9000 });
    expect(next({ claim })).toBe('start');
    expect(next({ claim: { ...claim, kind: 'operator' }, probe: seen('running') })).toBe('wait: read-lag');
  });

  it('wanted stopped by now, but it runs anew - its first beat is awaited, and there is nothing to cancel', () => {
    const workspace = aWorkspace({ desired: 'stopped' });
    expect(next({ workspace, claim: claimOf(stepOf.starting), probe: looks['running anew'] })).toBe(
      'wait: awaiting-heartbeat',
    );
  });

  it('paused by now, whatever was started - waits for the end of the pause (S12), and holds no slot meanwhile', () => {
    for (const step of claimSteps) {
      const workspace = aWorkspace({ pause: { by: 'role/operator', reason: 'x', untilMs: NOW_MS + 1 } });
      expect(nextRestartAction(view({ workspace, claim: claimOf(stepOf[step]) }))).toEqual({
        do: step === 'admitted' ? 'step-back' : 'wait',
        because: 'paused',
        forMs: 30_000,
      });
    }
  });

  it('paused, but forced - goes on', () => {
    const workspace = aWorkspace({ pause: { by: 'role/operator', reason: 'x' } });
    expect(next({ workspace, claim: claimOf({ kind: 'operator', forced: true }) })).toBe('start');
  });

  it('a pause that has ended - is none', () => {
    const workspace = aWorkspace({ pause: { by: 'role/operator', reason: 'x', untilMs: NOW_MS } });
    expect(next({ workspace })).toBe('start');
    expect(next({ workspace, now: at(NOW_MS - 1, NOW_MS) })).toBe('step-back: paused');
  });
});

describe('a change that somebody announced after the claim (S2)', () => {
  const announced = aWorkspace({ settleUntilMs: NOW_MS + 60_001 });

  it.each([
    ['awaiting-admission', 'wait: settling', 'admit'],
    ['admitted', 'step-back: settling', 'start'],
  ] as const)('at %s - waits until its window is over, and holds no slot meanwhile', (step, held, then) => {
    expect(next({ workspace: announced, claim: claimOf({ step }) })).toBe(held);
    const over = at(announced.settleUntilMs);
    expect(next({ workspace: announced, claim: claimOf({ step }), now: over })).toBe(then);
    expect(next({ workspace: announced, claim: claimOf({ step }), now: at(over.earliestMs - 1) })).toBe(held);
  });

  it('the window that the claim itself opened - holds nothing up', () => {
    expect(next({ workspace: aWorkspace({ settleUntilMs: NOW_MS + 60_000 }) })).toBe('start');
  });

  it('a claim of before its window was kept - goes by none', () => {
    expect(next({ workspace: announced, claim: aClaim() })).toBe('start');
  });

  it('after the first act, or by force - the restart goes on', () => {
    expect(next({ workspace: announced, claim: claimOf(stepOf['stop-recorded']) })).toBe('start');
    expect(next({ workspace: announced, claim: claimOf({ forced: true }) })).toBe('start');
  });
});
