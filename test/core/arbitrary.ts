/** Arbitrary facts for property tests: mostly such that little is missing for `dead`, so that each guard is near. */
import fc from 'fast-check';
import { type Facts, judgedPart, type JudgedWorkspace, type Probe } from '../../core/facts.ts';
import { errorKinds } from '../../core/forward-error.ts';
import type { TimeRange } from '../../core/time.ts';
import { instanceStates, type Evidence, type Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  anEvidence,
  aWorkspace,
  BOOT,
  INSTANCE,
  LAUNCHED_MS,
  NOW_MS,
  OTHER_INSTANCE,
} from './builders.ts';

/** Mostly the calm value, now and then another. */
function mostly<T>(calm: T, wild: fc.Arbitrary<T>, weight = 5): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(calm) }, { weight: 1, arbitrary: wild });
}

const edges = [0, 2000, 5000, 15_000, 30_000, 60_000].flatMap((ms) => [ms - 1, ms, ms + 1]);

/** An instant around now: on an edge of some window, or anywhere within two minutes. */
const nearNow: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(...edges, ...edges.map((ms) => -ms)).map((ms) => NOW_MS + ms),
  fc.integer({ min: NOW_MS - 120_000, max: NOW_MS + 120_000 }),
);

/** Mostly exact, else a range of up to some seconds around now. */
const timeRange: fc.Arbitrary<TimeRange> = mostly(
  { before: 0, after: 0 },
  fc.record({ before: fc.integer({ min: 0, max: 6000 }), after: fc.integer({ min: 0, max: 6000 }) }),
  3,
).map(({ before, after }) => ({ earliestMs: NOW_MS - before, latestMs: NOW_MS + after }));

const probe: fc.Arbitrary<Probe> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('seen' as const),
      state: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('stopped' as const, 'terminated' as const) },
        { weight: 2, arbitrary: fc.constant('running' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...instanceStates) },
      ),
      instanceId: mostly(INSTANCE, fc.constant(OTHER_INSTANCE), 12),
      launchTimeMs: mostly(LAUNCHED_MS, nearNow, 9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Probe>(
      { kind: 'not-made' },
      { kind: 'unknown', cause: 'throttled' },
      { kind: 'unknown', cause: 'error' },
      { kind: 'unknown', cause: 'absent' },
      { kind: 'unknown', cause: 'shared' },
    ),
  },
);

const evidence: fc.Arbitrary<Evidence> = fc.record({
  kind: mostly<Evidence['kind']>('stopped', fc.constant('silent'), 3),
  verdictId: fc.constant('verdict-1'),
  atMs: mostly(NOW_MS - 10_000, nearNow, 3),
  generation: mostly(3, fc.constantFrom(2, 4), 12),
  instanceId: mostly(INSTANCE, fc.constant(OTHER_INSTANCE), 12),
  bootId: mostly(BOOT, fc.constant('boot-0'), 12),
  seq: mostly(41, fc.constantFrom(40, 42), 12),
  launchTimeMs: mostly(LAUNCHED_MS, nearNow, 12),
  round: fc.nat({ max: 5 }),
});

const workspace: fc.Arbitrary<Workspace> = fc
  .record({
    generation: mostly(3, fc.constantFrom(2, 4), 12),
    desired: mostly<Workspace['desired']>('running', fc.constant('stopped'), 12),
    settleUntilMs: mostly(NOW_MS - 3_600_000, nearNow),
    freshUntilMs: mostly(NOW_MS - 285_000, nearNow),
    beat: fc.record({
      declaresInterval: fc.boolean(),
      atMs: mostly(NOW_MS - 300_000, nearNow, 9),
      seq: mostly(41, fc.nat({ max: 50 }), 12),
    }),
    hasBeaten: mostly(true, fc.constant(false), 9),
    evidence: mostly<Evidence | undefined>(
      anEvidence({ atMs: NOW_MS - 10_000 }),
      fc.option(evidence, { nil: undefined }),
      1,
    ),
    pausedUntilMs: mostly<number | 'for ever' | undefined>(
      undefined,
      fc.oneof(nearNow, fc.constant('for ever' as const)),
    ),
    isClaimed: mostly(false, fc.constant(true), 9),
  })
  .map(({ beat, hasBeaten, evidence: found, pausedUntilMs, isClaimed, ...rest }) => {
    const { heartbeat: _heartbeat, ...calm } = aWorkspace();
    return {
      ...calm,
      ...rest,
      ...(hasBeaten && { heartbeat: aHeartbeat(beat) }),
      ...(found && { evidence: found }),
      ...(pausedUntilMs !== undefined && {
        pause: {
          by: 'role/operator',
          reason: 'x',
          ...(pausedUntilMs !== 'for ever' && { untilMs: pausedUntilMs }),
        },
      }),
      ...(isClaimed && { claim: aClaim() }),
    };
  });

/** Facts that the judge could get. About one in ten is deadly. */
export const nearlyDeadlyFacts: fc.Arbitrary<Facts> = fc
  .record({
    now: timeRange,
    clock: mostly<Facts['clock']>('agrees', fc.constantFrom('disagrees', 'unknown'), 12),
    asker: mostly<Facts['asker']>('reprobe', fc.constant('caller'), 4),
    workspace: mostly<Workspace | 'unknown' | 'malformed'>(
      aWorkspace({ evidence: anEvidence({ atMs: NOW_MS - 10_000 }) }),
      fc.oneof(
        { weight: 20, arbitrary: workspace },
        { weight: 1, arbitrary: fc.constantFrom('unknown', 'malformed') },
      ),
      1,
    ),
    probe,
    errorKind: fc.constantFrom(...errorKinds),
    asForSilence: mostly(true, fc.constant(false), 2),
    reported: mostly<string | undefined>(undefined, fc.constantFrom(INSTANCE, OTHER_INSTANCE), 9),
  })
  .map(({ workspace: found, reported, asForSilence, ...rest }) => {
    const judged = typeof found === 'object' ? judgedPart(found) : found;
    const runs = rest.probe.kind === 'seen' && rest.probe.state === 'running';
    return {
      ...rest,
      ...(asForSilence && { errorKind: 'refused' as const }),
      workspace: typeof judged === 'object' && runs && asForSilence ? silent(judged) : judged,
      ...(reported !== undefined && { reportedInstanceId: reported }),
    };
  });

/** The same workspace, as somebody finds it whose agent promised to beat and whose silence was seen before. */
function silent(workspace: JudgedWorkspace): JudgedWorkspace {
  const { heartbeat, evidence: found } = workspace;
  return {
    ...workspace,
    ...(heartbeat && { heartbeat: { ...heartbeat, declaresInterval: true } }),
    ...(found && { evidence: { ...found, kind: 'silent' } }),
  };
}

/** Values that are no fact of any kind. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, NaN, Infinity, -Infinity, -1, 1e300, '', 'soon', true, [], {}),
  fc.anything(),
);
