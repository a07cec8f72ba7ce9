import { describe, expect, it } from 'vitest';
import { nextRestartAction } from '../../core/restart.ts';
import {
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  at,
  LAUNCHED_MS,
  NOW_MS,
  policy,
  seen,
  seenWithoutLaunch,
} from './builders.ts';
import { claimOf, looks, next, stepOf, view } from './restart-view.ts';

describe('Stop', () => {
  const order = claimOf({ kind: 'operator' });

  it('names the LaunchTime that is condemned', () => {
    expect(nextRestartAction(view({ claim: order, probe: seen('running') }))).toEqual({
      do: 'stop',
      launchTimeMs: LAUNCHED_MS,
    });
  });

  it('another boot than the condemned one by now - restarted meanwhile, and no Stop (S9)', () => {
    const workspace = aWorkspace({ heartbeat: aHeartbeat({ bootId: 'boot-2' }) });
    expect(next({ workspace, claim: order, probe: seen('running') })).toBe('done: restarted-meanwhile');
    const { bootId: _bootId, ...neverBeaten } = order;
    expect(next({ claim: neverBeaten, probe: seen('running') })).toBe('done: restarted-meanwhile');
  });

  it('never beaten, neither then nor since - stopped by its LaunchTime alone', () => {
    const { bootId: _bootId, ...neverBeaten } = order;
    expect(next({ workspace: aMuteWorkspace(), claim: neverBeaten, probe: seen('running') })).toBe('stop');
  });

  it('the LaunchTime of the condemned boot was never known - what runs is not it, and no Stop', () => {
    const { launchTimeMs: _launchTimeMs, ...unknown } = order;
    expect(next({ claim: unknown, probe: seen('running') })).toBe('adopt');
    expect(next({ claim: unknown, probe: seenWithoutLaunch('running') })).toBe('wait: probe-inconclusive');
  });

  it.each([
    ['stop-issued', -1, 'wait: stop-in-flight'],
    ['stop-issued', 0, 'wait: read-lag'],
    ['stop-issued', 9999, 'wait: read-lag'],
    ['stop-issued', 10_000, 'failed: stop-without-effect'],
    ['stop-recorded', 9999, 'wait: read-lag'],
    ['stop-recorded', 10_000, 'failed: stop-without-effect'],
  ] as const)('still running at %s, %i ms after its lease - %s', (step, sinceMs, action) => {
    const claim = claimOf({ kind: 'operator', step, stopLeaseUntilMs: NOW_MS - sinceMs });
    expect(next({ claim, probe: seen('running'), now: at(NOW_MS, NOW_MS + 60_000) })).toBe(action);
  });

  it('an agent that was heard since it was condemned for silence - a false alarm, before any act', () => {
    for (const step of ['awaiting-admission', 'admitted'] as const) {
      const claim = claimOf({ kind: 'silent', step, heardAtMs: NOW_MS });
      expect(next({ claim, probe: seen('running') })).toBe('false-alarm: heard');
    }
    expect(next({ claim: claimOf({ kind: 'silent', ...stepOf['stop-recorded'], heardAtMs: NOW_MS }) })).toBe(
      'start',
    );
  });

  it('heard: another boot than the condemned one - it restarted itself, and is not stopped (S9)', () => {
    const heard = { ...order, heardAtMs: NOW_MS, heardBootId: 'boot-2' };
    expect(next({ claim: heard, probe: seen('running') })).toBe('done: restarted-meanwhile');
    expect(next({ claim: { ...heard, heardBootId: 'boot-1' }, probe: seen('running') })).toBe('stop');
  });

  it('heard: the first beat ever of a workspace that was ordered to restart - the boot that was meant, and stopped', () => {
    const { bootId: _bootId, ...neverBeaten } = order;
    const heard = { ...neverBeaten, heardAtMs: NOW_MS, heardBootId: 'boot-1' };
    expect(next({ workspace: aMuteWorkspace(), claim: heard, probe: seen('running') })).toBe('stop');
  });

  it('heard by an operator, who condemned a healthy agent - stopped all the same', () => {
    expect(next({ claim: { ...order, heardAtMs: NOW_MS }, probe: seen('running') })).toBe('stop');
  });
});

describe('the softer step for a silent agent', () => {
  const soft = { ...policy, softRestartMs: 60_000 };
  const silent = claimOf({ kind: 'silent' });
  const running = seen('running');
  const softened = (leftMs: number) => claimOf({ kind: 'silent', softUntilMs: NOW_MS + leftMs });

  it('where the policy has it - comes before the Stop, once', () => {
    expect(next({ claim: silent, probe: running, policy: soft })).toBe('soften');
    expect(next({ claim: silent, probe: running })).toBe('stop');
    expect(next({ claim: softened(0), probe: running, policy: soft })).toBe('stop');
  });

  it('only for a silent one that runs as the boot that was condemned', () => {
    expect(next({ claim: claimOf({ kind: 'operator' }), probe: running, policy: soft })).toBe('stop');
    expect(next({ claim: silent, probe: seen('stopped'), policy: soft })).toBe('start');
    expect(next({ claim: silent, probe: looks['running anew'], policy: soft })).toBe('adopt');
    const workspace = aWorkspace({ heartbeat: aHeartbeat({ bootId: 'boot-2' }) });
    expect(next({ claim: silent, workspace, probe: running, policy: soft })).toBe(
      'done: restarted-meanwhile',
    );
  });

  it.each([
    [60_000, { do: 'wait', because: 'agent-restarting', forMs: 2000 }],
    [1, { do: 'wait', because: 'agent-restarting', forMs: 1 }],
    [0, { do: 'stop', launchTimeMs: LAUNCHED_MS }],
  ])('with %i ms left of its time, by the earliest end - %o', (leftMs, action) => {
    const now = at(NOW_MS, NOW_MS + 9000);
    // Also when the step is switched off meanwhile: what was begun has its time.
    expect(nextRestartAction(view({ claim: softened(leftMs), probe: running, now }))).toEqual(action);
  });

  it('a new boot is heard - done: that is what it was for; without the step it is a false alarm', () => {
    const heard = { heardAtMs: NOW_MS, heardBootId: 'boot-2' };
    expect(next({ claim: { ...softened(1000), ...heard }, probe: running })).toBe('done: agent-restarted');
    expect(next({ claim: { ...silent, ...heard }, probe: running })).toBe('false-alarm: heard');
  });

  it('the condemned boot is heard, or nobody knows which - a false alarm', () => {
    const same = { ...softened(1000), heardAtMs: NOW_MS, heardBootId: 'boot-1' };
    expect(next({ claim: same, probe: running })).toBe('false-alarm: heard');
    expect(next({ claim: { ...softened(1000), heardAtMs: NOW_MS }, probe: running })).toBe(
      'false-alarm: heard',
    );
  });
});
