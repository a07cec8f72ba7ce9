import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../core/invariant.ts';
import { needsProbe, nextRestartAction } from '../../core/restart.ts';
import { claimSteps, type Claim, type InstanceState } from '../../core/workspace.ts';
import { at, contradictory, NOW_MS, seen } from './builders.ts';
import { claimOf, looks, next, stepOf, view, type Look } from './restart-view.ts';

/** Where every step and every kind of claim goes on in the same way. */
const always = {
  pending: 'wait: booting',
  stopping: 'wait: stopping',
  'shutting-down': 'wait: shutting-down',
  terminated: 'gone: terminated',
  'running, nobody knows since when': 'wait: probe-inconclusive',
  'another instance': 'wait: probe-inconclusive',
  unknown: 'wait: probe-inconclusive',
  'not made': 'wait: probe-inconclusive',
} as const satisfies Partial<Record<Look, string>>;

type Differing = Record<Exclude<Look, keyof typeof always>, string>;
const condemnedRunning: Record<Exclude<Claim['step'], 'awaiting-admission'>, Differing> = {
  'awaiting-approval': {
    stopped: 'wait: awaiting-approval',
    running: 'wait: awaiting-approval',
    'running anew': 'adopt',
  },
  admitted: { stopped: 'start', running: 'stop', 'running anew': 'adopt' },
  'stop-issued': {
    stopped: 'wait: stop-in-flight',
    running: 'wait: stop-in-flight',
    'running anew': 'adopt',
  },
  'stop-recorded': { stopped: 'start', running: 'failed: stop-without-effect', 'running anew': 'adopt' },
  'start-issued': { stopped: 'start', running: 'failed: stop-without-effect', 'running anew': 'adopt' },
  starting: {
    stopped: 'start',
    running: 'failed: stop-without-effect',
    'running anew': 'wait: awaiting-heartbeat',
  },
};
const alarm = 'false-alarm: was-running';
const table: Record<Claim['kind'], typeof condemnedRunning> = {
  operator: condemnedRunning,
  silent: condemnedRunning,
  dead: {
    'awaiting-approval': { ...condemnedRunning['awaiting-approval'], running: alarm },
    admitted: { ...condemnedRunning.admitted, running: alarm },
    'stop-issued': { ...condemnedRunning['stop-issued'], running: alarm },
    'stop-recorded': { ...condemnedRunning['stop-recorded'], running: alarm },
    'start-issued': { ...condemnedRunning['start-issued'], running: alarm },
    starting: { ...condemnedRunning.starting, running: alarm },
  },
};

describe.each(Object.entries(table))('a claim by %s', (kind, rows) => {
  it.each(Object.keys(looks))('awaiting admission, whatever is seen (%s) - asks for it', (look) => {
    const claim = claimOf({ kind: kind as Claim['kind'], step: 'awaiting-admission' });
    expect(next({ claim, probe: looks[look as Look] })).toBe('admit');
  });

  const cells = Object.entries(rows).flatMap(([step, differing]) =>
    Object.entries({ ...always, ...differing }).map(([look, action]) => [step, look, action] as const),
  );
  it('every step meets every look', () => {
    expect(cells).toHaveLength((claimSteps.length - 1) * Object.keys(looks).length);
  });
  it.each(cells)('%s, seen %s - %s', (step, look, action) => {
    const claim = claimOf({ kind: kind as Claim['kind'], ...stepOf[step as Claim['step']] });
    expect(next({ claim, probe: looks[look as Look] })).toBe(action);
  });
});

describe('looking at the instance', () => {
  it.each(claimSteps)('at %s - needed from the admission on', (step) => {
    expect(needsProbe(claimOf({ step }), at(NOW_MS))).toBe(step !== 'awaiting-admission');
  });

  it.each([
    [-1, false],
    [0, true],
  ])('awaiting admission, %i ms from its deadline by the earliest end - needed: %s', (offsetMs, needed) => {
    const claim = claimOf({ step: 'awaiting-admission', deadlineMs: NOW_MS - offsetMs });
    expect(needsProbe(claim, at(NOW_MS, NOW_MS + 9000))).toBe(needed);
  });

  it('no clear answer, even if the answer carries a state - waits', () => {
    const odd = contradictory(seen('stopped'));
    expect(next({ probe: odd })).toBe('wait: probe-inconclusive');
  });

  it('a state that EC2 has invented since - a bug, loudly, and no act', () => {
    const probe = seen('hibernated' as InstanceState);
    expect(() => nextRestartAction(view({ probe }))).toThrow(InvariantViolation);
  });
});
