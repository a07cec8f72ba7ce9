import { describe, expect, it } from 'vitest';
import type { Probe } from '../../core/facts.ts';
import { nextRestartAction } from '../../core/restart.ts';
import type { Claim } from '../../core/workspace.ts';
import {
  aHeartbeat,
  aWorkspace,
  at,
  contradictory,
  notMade,
  NOW_MS,
  OTHER_INSTANCE,
  seen,
} from './builders.ts';
import { claimOf, looks, next, stepOf, view } from './restart-view.ts';

describe('the end of a restart', () => {
  const anew = { launchTimeMs: NOW_MS - 60_000 };

  it.each([
    [-1, 'start'],
    [0, 'failed: deadline'],
  ])('%i ms from its deadline, by the earliest end - %s', (offsetMs, action) => {
    const claim = claimOf({ ...stepOf['start-issued'], deadlineMs: NOW_MS - offsetMs });
    expect(next({ claim, now: at(NOW_MS, NOW_MS + 9000) })).toBe(action);
  });

  it.each([
    ['awaiting-approval', {}, seen('stopped'), 'cancelled: not-approved'],
    ['awaiting-admission', { kind: 'operator' }, seen('stopped'), 'failed: deadline'],
    ['admitted', { kind: 'operator' }, seen('running'), 'failed: deadline'],
    ['start-issued', { waitsFor: 'capacity' }, seen('stopped'), 'failed: no-capacity'],
    ['start-issued', { waitsFor: 'throttle' }, seen('stopped'), 'failed: throttled'],
    ['stop-recorded', {}, seen('stopping'), 'failed: stuck-stopping'],
    ['starting', {}, seen('pending', anew), 'failed: deadline'],
    ['starting', {}, seen('running', anew), 'failed: mute'],
    ['starting', {}, looks.unknown, 'failed: deadline'],
    ['starting', {}, seen('running', { ...anew, instanceId: OTHER_INSTANCE }), 'failed: deadline'],
    ['starting', {}, contradictory(seen('running', anew)), 'failed: deadline'],
    ['stop-recorded', {}, seen('stopping', { instanceId: OTHER_INSTANCE }), 'failed: deadline'],
  ] as const)('its time is over at %s %j - the end says what it waited for', (step, more, probe, action) => {
    const claim = claimOf({ ...stepOf[step], ...more, deadlineMs: NOW_MS });
    expect(next({ claim, probe })).toBe(action);
  });

  describe.each(['awaiting-admission', 'admitted'] as const)(
    'its time is over at %s: nothing was done, for it was never its turn',
    (step) => {
      const late = claimOf({ step, deadlineMs: NOW_MS });

      it.each([
        ['dead', seen('stopped'), 'step-back: not-its-turn'],
        ['silent', seen('running'), 'step-back: not-its-turn'],
        ['silent', seen('stopped'), 'step-back: not-its-turn'],
        ['dead', seen('running'), 'false-alarm: was-running'],
        ['dead', looks['running anew'], 'adopt'],
        ['silent', looks['running anew'], 'adopt'],
        ['dead', seen('terminated'), 'gone: terminated'],
        ['dead', seen('stopping'), 'failed: stuck-stopping'],
        ['dead', seen('pending'), 'failed: deadline'],
        ['dead', looks['another instance'], 'failed: deadline'],
        ['dead', { kind: 'unknown', cause: 'absent' }, 'failed: deadline'],
        ['dead', notMade, 'wait: probe-inconclusive'],
        ['dead', { ...seen('stopped'), cause: 'error' } as Probe, 'step-back: not-its-turn'],
      ] as const)('claimed by %s, seen %o - %s (V3)', (kind, probe, action) => {
        expect(next({ claim: { ...late, kind }, probe })).toBe(action);
      });

      it.each(['throttled', 'error'] as const)(
        'EC2 gives no answer (%s) - asked again a minute later: neither an act nor forgotten',
        (cause) => {
          expect(nextRestartAction(view({ claim: late, probe: { kind: 'unknown', cause } }))).toEqual({
            do: 'wait',
            because: 'probe-inconclusive',
            forMs: 60_000,
          });
        },
      );

      it('condemned for silence and heard meanwhile - a false alarm', () => {
        const claim: Claim = { ...late, kind: 'silent', heardAtMs: NOW_MS - 1 };
        expect(next({ claim, probe: seen('running') })).toBe('false-alarm: heard');
      });

      it('seen stopped twice, and heard all the same - waits on: its next look decides', () => {
        expect(next({ claim: { ...late, heardAtMs: NOW_MS - 1 } })).toBe('step-back: not-its-turn');
      });

      it('an announced change still settles - waits on all the same', () => {
        const workspace = aWorkspace({ settleUntilMs: NOW_MS + 90_000 });
        expect(next({ workspace, claim: late })).toBe('step-back: not-its-turn');
      });

      it('a person wants it so - cancelled, which is no failure', () => {
        const paused = aWorkspace({ pause: { by: 'role/operator', reason: 'x', untilMs: NOW_MS + 1 } });
        expect(next({ workspace: paused, claim: late })).toBe('cancelled: paused');
        expect(next({ workspace: aWorkspace({ desired: 'stopped' }), claim: late })).toBe(
          'cancelled: desired-stopped',
        );
        const forced: Claim = { ...late, kind: 'operator', forced: true };
        expect(next({ workspace: paused, claim: forced })).toBe('failed: deadline');
      });
    },
  );

  it.each([
    ['stop-recorded', 'cancelled: paused', 'cancelled: desired-stopped'],
    ['start-issued', 'failed: deadline', 'failed: deadline'],
  ] as const)('its time is over at %s while a person wants it down - %s, %s', (step, paused, stopped) => {
    const claim = claimOf({ ...stepOf[step], deadlineMs: NOW_MS });
    const pause = { by: 'role/operator', reason: 'x' };
    expect(next({ workspace: aWorkspace({ pause }), claim })).toBe(paused);
    expect(next({ workspace: aWorkspace({ desired: 'stopped' }), claim })).toBe(stopped);
  });

  it('its time is over in the moment in which the new boot was heard - done', () => {
    const claim = claimOf({ ...stepOf.starting, deadlineMs: NOW_MS });
    const workspace = aWorkspace({ heartbeat: aHeartbeat({ bootId: 'boot-2', atMs: NOW_MS }) });
    expect(next({ claim, workspace, probe: seen('running', anew) })).toBe('done: heartbeat');
  });
});
