/** What must hold of a restart whatever is seen, and whatever answer is lost on the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareClaim } from '../../core/claim.ts';
import type { Probe } from '../../core/facts.ts';
import { decideBeat, freshUntilOf, storedBeat } from '../../core/heartbeat.ts';
import type { RestartAction } from '../../core/restart.ts';
import {
  instanceStates,
  isUntouched,
  type Claim,
  type InstanceState,
  type Workspace,
} from '../../core/workspace.ts';
import {
  aMuteWorkspace,
  aWorkspace,
  at,
  BOOT,
  INSTANCE,
  LAUNCHED_MS,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
} from './builders.ts';
import { runs } from './runs.ts';
import { received, type Claimed, type Receive } from './restart-run.ts';

/** Seconds at most; a machine that does much else may take longer. */
const patient = { timeout: 150_000 };

const kinds = ['dead', 'silent', 'operator'] as const satisfies Claim['kind'][];

/** A workspace whose restart has just been claimed, as the claim sets it. */
function claimed(kind: Claim['kind'], workspace: Workspace, forced = false): Claimed {
  const order = { token: 'verdict-1', kind, reason: 'x', forced, launchTimeMs: LAUNCHED_MS };
  const write = prepareClaim(workspace, order, at(NOW_MS), policy);
  if (write === 'restart-budget-spent') throw new Error('expected a claim');
  return { ...workspace, ...write.sets };
}

const answer = fc.oneof(
  { weight: 3, arbitrary: fc.constant('arrives' as const) },
  { weight: 1, arbitrary: fc.constantFrom('lost' as const, 'refused' as const) },
);

const anyLook: fc.Arbitrary<Probe> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        state: fc.constantFrom<InstanceState>(...instanceStates, 'running', 'stopped', 'running', 'stopped'),
        launchTimeMs: fc.constantFrom(LAUNCHED_MS, LAUNCHED_MS, NOW_MS + 1000, undefined),
        instanceId: fc.constantFrom(INSTANCE, INSTANCE, INSTANCE, INSTANCE, OTHER_INSTANCE),
      })
      .map(({ state, launchTimeMs, instanceId }): Probe =>
        launchTimeMs === undefined
          ? { kind: 'seen', state, instanceId }
          : { kind: 'seen', state, instanceId, launchTimeMs },
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Probe>({ kind: 'unknown', cause: 'throttled' }, { kind: 'not-made' }),
  },
);

/** What happens to the workspace between two receives, besides time. */
const happenings = [
  'nothing',
  'nothing',
  'nothing',
  'wanted stopped',
  'wanted running',
  'paused',
  'unpaused',
  'settled',
  'heard',
  'heard anew',
] as const;

const step = fc.record({
  afterMs: fc.oneof(fc.constantFrom(1, 2000, 10_000, 20_000), fc.nat({ max: 120_000 })),
  probe: anyLook,
  answer,
  happening: fc.constantFrom(...happenings),
});

function happened(workspace: Claimed, what: (typeof happenings)[number], nowMs: number): Claimed {
  const { pause: _pause, ...unpaused } = workspace;
  switch (what) {
    case 'wanted stopped':
      return { ...workspace, desired: 'stopped' };
    case 'wanted running':
      return { ...workspace, desired: 'running' };
    case 'paused':
      return { ...workspace, pause: { by: 'role/operator', reason: 'x' } };
    case 'unpaused':
      return unpaused;
    case 'settled':
      return { ...workspace, settleUntilMs: Math.max(workspace.settleUntilMs, nowMs + 30_000) };
    case 'heard':
      return { ...workspace, claim: { ...workspace.claim, heardAtMs: nowMs, heardBootId: BOOT } };
    case 'heard anew':
      return { ...workspace, claim: { ...workspace.claim, heardAtMs: nowMs, heardBootId: 'boot-2' } };
    case 'nothing':
      return workspace;
  }
}

interface Act {
  readonly action: RestartAction;
  readonly before: Claimed;
  readonly receive: Receive;
}

/** Everything that a restart did, whatever was seen on the way. */
function acts(
  start: Claimed,
  steps: readonly (Omit<Receive, 'nowMs'> & { afterMs: number; happening: (typeof happenings)[number] })[],
): Act[] {
  const done: Act[] = [];
  let workspace: Claimed | undefined = start;
  let nowMs = NOW_MS;
  for (const { afterMs, happening, ...rest } of steps) {
    nowMs += afterMs;
    const before = happened(workspace, happening, nowMs);
    const receive = { ...rest, nowMs };
    const after = received(before, receive);
    done.push({ action: after.action, before, receive });
    workspace = after.workspace;
    if (workspace === undefined) break;
  }
  return done;
}

const story = fc.record({
  kind: fc.constantFrom(...kinds),
  forced: fc.boolean(),
  hasBeaten: fc.boolean(),
  steps: fc.array(step, { maxLength: 40, size: 'large' }),
});

/** Checks every act of many restarts; says how many acts of each kind there were, so that the check bites. */
function everyAct(holds: (act: Act) => boolean): Map<string, number> {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(story, ({ kind, forced, hasBeaten, steps }) => {
      const workspace = hasBeaten ? aWorkspace() : aMuteWorkspace();
      for (const act of acts(claimed(kind, workspace, forced && kind === 'operator'), steps)) {
        counts.set(act.action.do, (counts.get(act.action.do) ?? 0) + 1);
        expect(holds(act)).toBe(true);
      }
    }),
    runs(3000),
  );
  return counts;
}

describe('any claim, any sequence of looks', patient, () => {
  it('at most one Stop a claim (S13)', () => {
    let stopped = 0;
    fc.assert(
      fc.property(story, ({ kind, steps }) => {
        const stops = acts(claimed(kind, aWorkspace()), steps).filter(({ action }) => action.do === 'stop');
        stopped += stops.length;
        expect(stops.length).toBeLessThanOrEqual(kind === 'dead' ? 0 : 1);
      }),
      runs(3000),
    );
    expect(stopped).toBeGreaterThan(runs(30).numRuns);
  });

  it('Start only when this very instance was just seen stopped', () => {
    const counts = everyAct(
      ({ action, receive: { probe } }) =>
        action.do !== 'start' ||
        (probe.kind === 'seen' && probe.state === 'stopped' && probe.instanceId === INSTANCE),
    );
    expect(counts.get('start')).toBeGreaterThan(runs(200).numRuns);
  });

  it('Stop only what is condemned, seen running, and still the boot and LaunchTime that were condemned (S9)', () => {
    const counts = everyAct(
      ({ action, before: { claim, heartbeat }, receive: { probe } }) =>
        action.do !== 'stop' ||
        (claim.kind !== 'dead' &&
          claim.step === 'admitted' &&
          probe.kind === 'seen' &&
          probe.state === 'running' &&
          probe.instanceId === INSTANCE &&
          probe.launchTimeMs === LAUNCHED_MS &&
          action.launchTimeMs === LAUNCHED_MS &&
          heartbeat?.bootId === claim.bootId &&
          (claim.heardBootId === 'boot-2' ? claim.bootId === undefined : true)),
    );
    expect(counts.get('stop')).toBeGreaterThan(runs(100).numRuns);
  });

  it('no act on what a person wants stopped or has paused, unless an operator forced it (S12)', () => {
    const counts = everyAct(
      ({ action, before: { desired, pause, claim } }) =>
        (action.do !== 'start' && action.do !== 'stop') ||
        (desired === 'running' && (pause === undefined || claim.forced)),
    );
    expect(counts.get('start')).toBeGreaterThan(runs(200).numRuns);
  });

  it('no first act inside a settle window that somebody announced after the claim (S2)', () => {
    everyAct(
      ({ action, before: { settleUntilMs, claim }, receive: { nowMs } }) =>
        (action.do !== 'start' && action.do !== 'stop') ||
        claim.step !== 'admitted' ||
        claim.forced ||
        nowMs >= settleUntilMs ||
        settleUntilMs === claim.settleUntilMs,
    );
  });

  it('no Stop on an agent that was heard after it was condemned for silence (S3)', () => {
    everyAct(
      ({ action, before: { claim } }) => action.do !== 'stop' || claim.kind !== 'silent' || !claim.heardAtMs,
    );
  });

  it('after the deadline nothing but the end, and no act; only what was not touched may go on waiting (V2)', () => {
    const goesOn: readonly RestartAction['do'][] = ['finish', 'wait', 'adopt', 'step-back'];
    everyAct(
      ({ action, before: { claim }, receive: { nowMs } }) =>
        nowMs < claim.deadlineMs ||
        action.do === 'finish' ||
        (isUntouched(claim) && claim.kind !== 'operator' && goesOn.includes(action.do)),
    );
  });

  it('no more than three Starts that succeed: an instance that falls back each time is left to a person', () => {
    everyAct(({ action, before: { claim } }) => action.do !== 'start' || (claim.starts ?? 0) < 3);
  });
});

/** An instance that does what EC2 says, and an agent on it that beats. */
interface World {
  state: InstanceState;
  launchTimeMs: number;
  changesAtMs: number;
  bootId: string;
  beatsFromMs: number;
  seq: number;
}

const PENDING_MS = 4000;
const STOPPING_MS = 6000;
const BOOT_MS = 15_000;

function passed(world: World, nowMs: number): void {
  if (nowMs < world.changesAtMs) return;
  if (world.state === 'stopping') world.state = 'stopped';
  if (world.state === 'pending') world.state = 'running';
}

function powered(world: World, act: 'start' | 'stop', nowMs: number): void {
  if (act === 'stop') Object.assign(world, { state: 'stopping', changesAtMs: nowMs + STOPPING_MS });
  else if (world.state === 'stopped') {
    Object.assign(world, {
      state: 'pending',
      launchTimeMs: nowMs,
      changesAtMs: nowMs + PENDING_MS,
      bootId: `boot-${nowMs}`,
      beatsFromMs: nowMs + BOOT_MS,
      seq: 0,
    });
  }
}

/** The agent beats, and the heartbeat function takes it or does not. */
function beaten(workspace: Claimed, world: World, nowMs: number): Claimed {
  if (world.state !== 'running' || nowMs < world.beatsFromMs) return workspace;
  const beat = {
    bootId: world.bootId,
    seq: ++world.seq,
    intervalMs: 5000,
    declaresInterval: true,
    activeTasks: 0,
  };
  const decision = decideBeat(workspace, beat, { instanceId: INSTANCE, atMs: nowMs });
  if (decision.kind === 'refused') return workspace;
  return {
    ...workspace,
    heartbeat: storedBeat(beat, nowMs),
    freshUntilMs: freshUntilOf(beat, nowMs, policy),
  };
}

describe('any restart in a world that is honest but loses answers (V11)', patient, () => {
  it.each(kinds)(
    'claimed by %s - ends done within minutes, with one boot at the end and no Stop too many',
    (kind) => {
      const answers = fc.array(fc.constantFrom('arrives' as const, 'arrives' as const, 'lost' as const), {
        minLength: 200,
        maxLength: 200,
      });
      fc.assert(
        fc.property(answers, fc.boolean(), (told, hasBeaten) => {
          const world: World = {
            state: kind === 'dead' ? 'stopped' : 'running',
            launchTimeMs: LAUNCHED_MS,
            changesAtMs: 0,
            bootId: BOOT,
            beatsFromMs: Infinity,
            seq: 41,
          };
          let workspace: Claimed | undefined = claimed(kind, hasBeaten ? aWorkspace() : aMuteWorkspace());
          const done: RestartAction[] = [];
          let nowMs = NOW_MS;
          for (const answered of told) {
            nowMs += 2000;
            passed(world, nowMs);
            workspace = beaten(workspace, world, nowMs);
            const probe = seen(world.state, { launchTimeMs: world.launchTimeMs });
            const after = received(workspace, { nowMs, probe, answer: answered });
            done.push(after.action);
            if (after.action.do === 'start' || after.action.do === 'stop')
              powered(world, after.action.do, nowMs);
            workspace = after.workspace;
            if (workspace === undefined) break;
          }
          const count = (what: RestartAction['do']) => done.filter((action) => action.do === what).length;
          expect(done.at(-1)).toMatchObject({ do: 'finish', outcome: 'done' });
          expect(count('start')).toBe(1);
          expect(count('stop')).toBe(kind === 'dead' ? 0 : 1);
          expect(world.state).toBe('running');
          expect(nowMs - NOW_MS).toBeLessThan(180_000);
        }),
        runs(300),
      );
    },
  );
});
