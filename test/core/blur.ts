/** Making facts less certain, one at a time: the steps down the lattice on which caution must be monotone (S37). */
import fc from 'fast-check';
import { unknownCauses, type Facts, type JudgedWorkspace, type Probe } from '../../core/facts.ts';
import { junk } from './arbitrary.ts';

type Step = (facts: Facts) => fc.Arbitrary<Facts> | undefined;

/** What a probe that saw something turns into when it saw less. */
const lessSeen: Step = (facts) => {
  const { probe } = facts;
  if (probe.kind !== 'seen') return undefined;
  const { launchTimeMs: _launchTimeMs, ...withoutLaunch } = probe;
  return fc
    .oneof(
      fc.constantFrom<Probe>(
        withoutLaunch,
        { kind: 'not-made' },
        ...unknownCauses.map((cause) => ({ kind: 'unknown' as const, cause })),
      ),
      fc
        .constantFrom('pending' as const, 'stopping' as const, 'shutting-down' as const)
        .map((state) => ({ ...probe, state })),
      junk
        .filter((value) => !isPlausible(value))
        .map((launchTimeMs) => ({ ...probe, launchTimeMs }) as Probe),
      junk.map((state) => ({ ...probe, state }) as Probe),
      junk.map((instanceId) => ({ ...probe, instanceId }) as Probe),
      junk.map((other) => other as Probe),
    )
    .map((less) => ({ ...facts, probe: less }));
};

const lessSureOfTheTime: Step = (facts) =>
  fc
    .record({ before: fc.nat({ max: 120_000 }), after: fc.nat({ max: 120_000 }) })
    .map(({ before, after }) => ({
      ...facts,
      now: { earliestMs: facts.now.earliestMs - before, latestMs: facts.now.latestMs + after },
    }));

const lessSureOfTheClock: Step = (facts) =>
  fc.constantFrom('disagrees', 'unknown').map((clock) => ({ ...facts, clock }));

const errorUnclear: Step = (facts) =>
  fc.oneof(fc.constant('deadline' as const), junk).map((errorKind) => ({ ...facts, errorKind }) as Facts);

const notTheReprobe: Step = (facts) => fc.constant({ ...facts, asker: 'caller' });

const workspaceUnreadable: Step = (facts) =>
  fc
    .oneof(fc.constant('malformed' as const), fc.constant('unknown' as const), junk)
    .map((workspace) => ({ ...facts, workspace: workspace as Facts['workspace'] }));

/**
 * Fields of a workspace whose loss is a loss of certainty. That a workspace has no pause, no claim, no evidence or
 * never beat is something that is known, so for those only a value that is no value counts as less certain; losing
 * the evidence does too.
 */
const losable = ['instanceId', 'generation', 'desired', 'settleUntilMs', 'freshUntilMs', 'evidence'] as const;
const spoilable = [...losable, 'heartbeat', 'pause', 'claim'] as const satisfies (keyof JudgedWorkspace)[];

const workspaceFieldLost: Step = (facts) => {
  const { workspace } = facts;
  if (typeof workspace !== 'object') return undefined;
  return fc.constantFrom(...losable).map((field) => {
    const { [field]: _lost, ...rest } = workspace;
    return { ...facts, workspace: rest as JudgedWorkspace };
  });
};

const workspaceFieldSpoilt: Step = (facts) => {
  const { workspace } = facts;
  if (typeof workspace !== 'object') return undefined;
  return fc
    .tuple(
      fc.constantFrom(...spoilable),
      junk.filter((value) => value !== undefined && !isPlausible(value)),
    )
    .map(([field, value]) => ({ ...facts, workspace: { ...workspace, [field]: value } }));
};

const partSpoilt =
  (part: 'heartbeat' | 'evidence' | 'pause', fields: readonly string[]): Step =>
  (facts) => {
    const { workspace } = facts;
    if (typeof workspace !== 'object' || workspace[part] === undefined) return undefined;
    return fc
      .tuple(
        fc.constantFrom(...fields),
        junk.filter((value) => !isPlausible(value)),
      )
      .map(([field, value]) => ({
        ...facts,
        workspace: { ...workspace, [part]: { ...workspace[part], [field]: value } },
      }));
  };

const promiseUnclear: Step = (facts) => {
  const { workspace } = facts;
  if (typeof workspace !== 'object' || !workspace.heartbeat) return undefined;
  const { heartbeat } = workspace;
  return junk
    .filter((value) => value !== true)
    .map((declaresInterval) => ({
      ...facts,
      workspace: { ...workspace, heartbeat: { ...heartbeat, declaresInterval } } as JudgedWorkspace,
    }));
};

/** A number that could be a time or a count is a fact, if another one. */
function isPlausible(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 8.64e15;
}

const steps: readonly Step[] = [
  lessSeen,
  lessSureOfTheTime,
  lessSureOfTheClock,
  notTheReprobe,
  errorUnclear,
  workspaceUnreadable,
  workspaceFieldLost,
  workspaceFieldSpoilt,
  partSpoilt('heartbeat', ['atMs', 'seq', 'bootId']),
  promiseUnclear,
  partSpoilt('evidence', ['kind', 'atMs', 'generation', 'instanceId', 'bootId', 'seq', 'launchTimeMs']),
  partSpoilt('pause', ['untilMs']),
];

/** The same facts with one of them less certain. */
export function blurred(facts: Facts): fc.Arbitrary<Facts> {
  return fc.oneof(...steps.flatMap((step) => step(facts) ?? []));
}
