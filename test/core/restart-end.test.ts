import { describe, expect, it } from 'vitest';
import { isStuckStopping, nextRestartAction, restartOutcomes } from '../../core/restart.ts';
import type { Claim } from '../../core/workspace.ts';
import {
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  at,
  contradictory,
  notMade,
  NOW_MS,
  policy,
  seen,
} from './builders.ts';
import { claimOf, next, stepOf, view } from './restart-view.ts';

describe('the end of a restart', () => {
  const anew = { launchTimeMs: NOW_MS - 60_000 };
  const starting = claimOf({ ...stepOf.starting, startedAtMs: NOW_MS - 60_000 });

  it('the new boot has beaten - done', () => {
    const workspace = aWorkspace({ heartbeat: aHeartbeat({ bootId: 'boot-2' }) });
    expect(next({ workspace, claim: starting, probe: seen('running', anew) })).toBe('done: heartbeat');
  });

  it('only the condemned boot has beaten - not done, however long it runs', () => {
    expect(next({ claim: starting, probe: seen('running', { launchTimeMs: NOW_MS - 600_000 }) })).toBe(
      'wait: awaiting-heartbeat',
    );
  });

  it('it has beaten once, but no beat is on record - awaited: a window that passes is no sign of life', () => {
    const probe = seen('running', { launchTimeMs: NOW_MS - 600_000 });
    expect(next({ workspace: aMuteWorkspace(), claim: starting, probe })).toBe('wait: awaiting-heartbeat');
  });

  it('its first beat ever came with the new boot - done', () => {
    const { bootId: _bootId, ...mute } = starting;
    expect(next({ claim: mute, probe: seen('running', anew) })).toBe('done: heartbeat');
  });

  it.each([
    [-1, 0, 'wait: awaiting-heartbeat'],
    [0, 0, 'done: ran-for-settle-window'],
    [0, -1, 'wait: awaiting-heartbeat'],
    [0, 5000, 'done: ran-for-settle-window'],
    [5000, 0, 'done: ran-for-settle-window'],
  ])(
    'never beaten, %i ms from a window after its launch and %i ms after the Start - %s',
    (launch, start, action) => {
      const { bootId: _bootId, ...mute } = claimOf({
        ...stepOf.starting,
        startedAtMs: NOW_MS - policy.settleWindowMs - start,
      });
      const probe = seen('running', { launchTimeMs: NOW_MS - policy.settleWindowMs - launch });
      expect(next({ workspace: aMuteWorkspace(), claim: mute, probe })).toBe(action);
      expect(next({ workspace: aMuteWorkspace(), claim: mute, probe, now: at(NOW_MS, NOW_MS + 9000) })).toBe(
        action,
      );
    },
  );

  it('started by somebody else, or by a Start whose answer was lost - taken on from its launch', () => {
    const claim = claimOf(stepOf['start-issued']);
    expect(nextRestartAction(view({ claim, probe: seen('running', anew) }))).toEqual({
      do: 'adopt',
      ...anew,
    });
  });

  it.each([
    ['awaiting-admission', 'back-off', notMade, 'wait: back-off', 'admit'],
    ['start-issued', 'capacity', seen('stopped'), 'wait: capacity', 'start'],
    ['start-issued', 'throttle', seen('stopped'), 'wait: throttle', 'start'],
  ] as const)('at %s before its time (%s) - waits; then goes on', (step, waitsFor, probe, before, then) => {
    const claim = claimOf({ ...stepOf[step], waitsFor, notBeforeMs: NOW_MS + 1 });
    expect(next({ claim, probe })).toBe(before);
    expect(next({ claim, probe, now: at(NOW_MS, NOW_MS + 60_000) })).toBe(before);
    expect(next({ claim, probe, now: at(NOW_MS + 1) })).toBe(then);
  });

  it('before its time, for no reason that is kept - a back-off', () => {
    const claim = claimOf({ ...stepOf['awaiting-admission'], notBeforeMs: NOW_MS + 1 });
    expect(next({ claim })).toBe('wait: back-off');
  });

  it('before its time, but it runs anew by itself - taken on: waiting is for acts only', () => {
    const claim = claimOf({ ...stepOf['start-issued'], notBeforeMs: NOW_MS + 60_000, waitsFor: 'capacity' });
    expect(next({ claim, probe: seen('running', anew) })).toBe('adopt');
  });

  it('long waits are cut, so that a withdrawn wish is noticed', () => {
    const claim = claimOf({ ...stepOf['awaiting-admission'], notBeforeMs: NOW_MS + 600_000 });
    expect(nextRestartAction(view({ claim }))).toMatchObject({ do: 'wait', forMs: 60_000 });
  });

  it('waits for a yes, and its agent is heard - a false alarm', () => {
    const claim = claimOf({ ...stepOf['awaiting-approval'], kind: 'silent', heardAtMs: NOW_MS - 1 });
    expect(next({ claim, probe: seen('running') })).toBe('false-alarm: heard');
  });

  const byPerson = seen('stopped', { stateReason: 'Client.UserInitiatedShutdown' });
  it.each([
    [true, 'dead', undefined, 'cancelled: stopped-by-person'],
    [false, 'dead', undefined, 'start'],
    [true, 'operator', undefined, 'start'],
    [true, 'silent', NOW_MS - 60_000, 'start'],
  ] as const)(
    'a person stopped it, respected: %s, claim by %s, own stop at %s - %s',
    (respectManualStop, kind, stopLeaseUntilMs, action) => {
      const claim = claimOf({ kind, ...(stopLeaseUntilMs !== undefined && { stopLeaseUntilMs }) });
      expect(next({ claim, probe: byPerson, policy: { ...policy, respectManualStop } })).toBe(action);
    },
  );

  it.each([
    [0, false],
    [1, true],
  ])('stopping for ten minutes and %i ms - stuck: %s', (moreMs, stuck) => {
    const claim = claimOf({ ...stepOf['stop-recorded'], deadlineMs: NOW_MS + 300_000 - moreMs });
    const now = at(NOW_MS, NOW_MS + 9000);
    expect(
      isStuckStopping(view({ claim: { ...claim, stopLeaseUntilMs: 0 }, probe: seen('stopping'), now })),
    ).toBe(stuck);
    const old: Claim = { ...claim, stopLeaseUntilMs: 0 };
    expect(isStuckStopping(view({ claim: old, probe: seen('pending'), now }))).toBe(false);
    const odd = contradictory(seen('stopping'));
    expect(isStuckStopping(view({ claim: old, probe: odd, now }))).toBe(false);
    // Its Stop was a minute ago, whenever the claim began.
    const late: Claim = { ...claim, stopLeaseUntilMs: NOW_MS - 60_000 };
    expect(isStuckStopping(view({ claim: late, probe: seen('stopping'), now }))).toBe(false);
  });

  it('waits are short, so that a restart is not slowed down by looking', () => {
    expect(nextRestartAction(view({ probe: seen('pending') }))).toEqual({
      do: 'wait',
      because: 'booting',
      forMs: 2000,
    });
  });

  it('the ends of a restart are five', () => {
    expect([...restartOutcomes]).toEqual(['done', 'false-alarm', 'gone', 'failed', 'cancelled']);
  });
});
