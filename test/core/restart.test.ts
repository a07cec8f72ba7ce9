import { describe, expect, it } from 'vitest';
import type { Probe } from '../../core/facts.ts';
import { InvariantViolation } from '../../core/invariant.ts';
import {
  MOST_FALL_BACKS,
  needsProbe,
  isStuckStopping,
  nextRestartAction,
  restartOutcomes,
  type RestartAction,
  type RestartView,
} from '../../core/restart.ts';
import { claimSteps, type Claim, type InstanceState } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  at,
  deepFrozen,
  LAUNCHED_MS,
  notMade,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
  seenWithoutLaunch,
} from './builders.ts';

/** An answer that is unclear and carries a state all the same: no type of ours allows it, a fault may. */
function contradictory(probe: Probe): Probe {
  return { ...probe, kind: 'unknown', cause: 'error' } as unknown as Probe;
}

function view(overrides: Partial<RestartView> = {}): RestartView {
  return {
    workspace: aWorkspace({ settleUntilMs: NOW_MS + 60_000 }),
    claim: claimOf({}),
    probe: seen('stopped'),
    now: at(NOW_MS),
    policy,
    ...overrides,
  };
}

/** A claim that opened the settle window of {@link view}'s workspace. */
function claimOf(overrides: Partial<Claim>): Claim {
  return aClaim({ settleUntilMs: NOW_MS + 60_000, ...overrides });
}

/** An action in a word: what it does, and for waits and ends why. */
function inWords(action: RestartAction): string {
  switch (action.do) {
    case 'wait':
    case 'step-back':
      return `${action.do}: ${action.because}`;
    case 'finish':
      return `${action.outcome}: ${action.because}`;
    case 'admit':
    case 'start':
    case 'soften':
    case 'stop':
    case 'adopt':
      return action.do;
  }
}
const next = (overrides: Partial<RestartView> = {}): string =>
  inWords(nextRestartAction(deepFrozen(view(overrides))));

/** What each step of a claim looks like when nothing is out of the ordinary. */
const stepOf: Record<Claim['step'], Partial<Claim>> = {
  'awaiting-approval': { step: 'awaiting-approval' },
  'awaiting-admission': { step: 'awaiting-admission' },
  admitted: { step: 'admitted' },
  'stop-issued': { step: 'stop-issued', stopLeaseUntilMs: NOW_MS + 1 },
  'stop-recorded': { step: 'stop-recorded', stopLeaseUntilMs: NOW_MS - 60_000 },
  'start-issued': { step: 'start-issued', attempt: 1 },
  starting: { step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 },
};

const looks = {
  pending: seen('pending'),
  stopping: seen('stopping'),
  'shutting-down': seen('shutting-down'),
  stopped: seen('stopped'),
  terminated: seen('terminated'),
  running: seen('running'),
  'running anew': seen('running', { launchTimeMs: NOW_MS - 15_000 }),
  'running, nobody knows since when': seenWithoutLaunch('running'),
  'another instance': seen('stopped', { instanceId: OTHER_INSTANCE }),
  unknown: { kind: 'unknown', cause: 'throttled' },
  'not made': notMade,
} as const satisfies Record<string, Probe>;
type Look = keyof typeof looks;

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
