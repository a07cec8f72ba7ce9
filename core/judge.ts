import {
  isRecord,
  malformedFact,
  sightingOf,
  type Facts,
  type JudgedWorkspace,
  type Probe,
  type UnknownCause,
} from './facts.ts';
import { isFresh } from './heartbeat.ts';
import type { Policy } from './policy.ts';
import { isSettling, settleUntilMs } from './settle.ts';
import type { Call, Flip, Judgement, Reason, Rule } from './verdict.ts';
import { isPaused, type InstanceState, type Sighting } from './workspace.ts';

/**
 * The judge: Alive, Busy or Dead, or the next step towards it. Pure and total. It reads as the verdict table does:
 * named guards in the table's order, the first that has an opinion decides.
 *
 * Monotone caution (S37): making any fact less certain never moves the judgement towards dead. Dead is reached only
 * past every guard, with two sightings, by the re-probe.
 */
export function judge(facts: Facts, policy: Policy): Judgement {
  return judgeBy(verdictTable, facts, policy);
}

/**
 * The judge with guards of one's choice: for proofs, which take one out to see that it is needed. The rows are spelled
 * out, and not gone through in a loop, since the engine makes one piece of code of them only so: twice as fast.
 */
export function judgeBy(table: VerdictTable, facts: Facts, policy: Policy): Judgement {
  if (!isRecord(facts)) return factsMalformed;
  const { workspace } = facts;
  if (workspace === 'unknown')
    return judgement('unknown-workspace', '1-unknown-workspace', 'workspace-changed');
  // `malformed` is no record either.
  if (!isRecord(workspace)) return factsMalformed;
  const view: View = { facts, workspace, policy, sighting: undefined };
  return (
    table['1a-facts-malformed'](view) ??
    table['1b-clock-unsure'](view) ??
    table['2-paused'](view) ??
    table['3-restarting'](view) ??
    table['4-settling'](view) ??
    table['4a-moved'](view) ??
    table['4b-look'](view) ??
    table['5-probe-queued'](view) ??
    table['6-probe-unknown'](view) ??
    table['7-running'](view) ??
    table['8-heartbeat-fresh'](view) ??
    table['9-first-sighting'](view) ??
    table['10-not-yet'](view) ??
    confirmedDead(view)
  );
}

interface View {
  readonly facts: Facts;
  readonly workspace: JudgedWorkspace;
  readonly policy: Policy;
  /** Worked out when it is first asked for: by then the guards have seen that the facts can be read. */
  sighting: Sighting | 'none' | undefined;
}
export type Guard = (view: View) => Judgement | undefined;
/** A guard for each row between the first, which has no workspace to judge, and the last, which passes all guards. */
export type VerdictTable = Readonly<Record<Exclude<Rule, '1-unknown-workspace' | '11-dead'>, Guard>>;

const onlyFactsThatCanBeTrue: Guard = ({ facts, workspace, policy }) =>
  malformedFact(facts, workspace, policy) === undefined ? undefined : factsMalformed;

const clocksMustAgree: Guard = ({ facts }) =>
  facts.clock === 'agrees'
    ? undefined
    : judgement('busy', '1b-clock-unsure', 'clock-unsure', [{ kind: 'clocks-agree' }]);

const notWhilePaused: Guard = ({ facts, workspace }) =>
  isPaused(workspace, facts.now.earliestMs)
    ? judgement('busy', '2-paused', 'paused', [flipAfter('pause-ends', pauseEndsMs(workspace))])
    : undefined;

const notWhileRestarting: Guard = ({ workspace }) =>
  workspace.claim ? judgement('busy', '3-restarting', 'restarting', [{ kind: 'claim-ends' }]) : undefined;

/** Looked at before the probe and again after it, which may bring a newer LaunchTime. */
const notWhileSettling: Guard = ({ facts, workspace, policy }) => {
  const untilMs = settleUntilMs(workspace.settleUntilMs, launchTimeOf(facts.probe), policy);
  if (!isSettling(untilMs, facts.now.earliestMs)) return undefined;
  return judgement('busy', '4-settling', 'settling', [{ kind: 'settle-window-ends', afterMs: untilMs }]);
};

const onlyTheInstanceThatFailed: Guard = ({ facts, workspace }) =>
  facts.reportedInstanceId !== undefined && facts.reportedInstanceId !== workspace.instanceId
    ? judgement('busy', '4a-moved', 'moved')
    : undefined;

const lookFirst: Guard = ({ facts }) =>
  facts.probe.kind === 'not-made' ? judgement('probe', '4b-look', 'suspect') : undefined;

const throttledLooksAreQueued: Guard = ({ facts }) =>
  isUnknownBy('throttled', facts.probe)
    ? judgement('probe-queued', '5-probe-queued', 'probe-queued')
    : undefined;

const unknownIsNeverEvidence: Guard = (view) => {
  const { facts, workspace } = view;
  const because = (reason: Reason): Judgement =>
    judgement('busy', '6-probe-unknown', reason, [
      { kind: 'probe-says-running' },
      { kind: 'probe-says-stopped' },
    ]);
  if (isUnknownBy('shared', facts.probe)) return because('probe-shared');
  const state = ownState(facts.probe, workspace);
  if (state === 'pending') return because('booting');
  if (state === 'stopping' || state === 'shutting-down') return because('stopping');
  if (state !== 'running' && sightingIn(view) === 'none') return because('probe-inconclusive');
  return undefined;
};

/** What is known and no sighting, runs. */
const runningIsAlive: Guard = (view) =>
  sightingIn(view) === 'none'
    ? judgement('alive', '7-running', 'running', [{ kind: 'probe-says-stopped' }])
    : undefined;

const heartbeatOutranksProbe: Guard = ({ facts, workspace }) =>
  isFresh(workspace.freshUntilMs, facts.now.earliestMs)
    ? judgement('busy', '8-heartbeat-fresh', 'heartbeat-fresh', [
        { kind: 'heartbeat-goes-stale', afterMs: workspace.freshUntilMs },
      ])
    : undefined;

const firstSightingIsSuspect: Guard = (view) => {
  if (isValidEvidence(view)) return undefined;
  return judgement('suspect', '9-first-sighting', 'suspect', sightingFlips(view));
};

const secondSightingIsTheReprobes: Guard = (view) => {
  const { facts, policy, workspace } = view;
  const confirmableAtMs = (workspace.evidence?.atMs ?? Infinity) + policy.reprobeDelayMs;
  if (facts.asker === 'reprobe' && facts.now.earliestMs >= confirmableAtMs) return undefined;
  return judgement('suspect', '10-not-yet', 'suspect', [
    ...sightingFlips(view),
    flipAfter('second-sighting', confirmableAtMs),
  ]);
};

/** The verdict table, in its order: each guard by the row that it speaks for. What passes every row is dead. */
export const verdictTable: VerdictTable = {
  '1a-facts-malformed': onlyFactsThatCanBeTrue,
  '1b-clock-unsure': clocksMustAgree,
  '2-paused': notWhilePaused,
  '3-restarting': notWhileRestarting,
  '4-settling': notWhileSettling,
  '4a-moved': onlyTheInstanceThatFailed,
  '4b-look': lookFirst,
  '5-probe-queued': throttledLooksAreQueued,
  '6-probe-unknown': unknownIsNeverEvidence,
  '7-running': runningIsAlive,
  '8-heartbeat-fresh': heartbeatOutranksProbe,
  '9-first-sighting': firstSightingIsSuspect,
  '10-not-yet': secondSightingIsTheReprobes,
};

function confirmedDead(view: View): Judgement {
  const isTerminated = ownState(view.facts.probe, view.workspace) === 'terminated';
  const isSilent = sightingIn(view) === 'silent';
  const reason = isTerminated ? 'terminated' : isSilent ? 'silent' : 'stopped';
  return judgement('dead', '11-dead', reason, sightingFlips(view));
}

/**
 * Evidence counts while everything it was bound to is unchanged: same sighting, generation, instance, boot and
 * LaunchTime, no beat since (S3), not older than its life by the latest end of the time range.
 */
function isValidEvidence(view: View): boolean {
  const { facts, workspace, policy } = view;
  const { evidence } = workspace;
  return (
    evidence !== undefined &&
    evidence.kind === sightingIn(view) &&
    evidence.generation === workspace.generation &&
    evidence.instanceId === workspace.instanceId &&
    evidence.bootId === workspace.heartbeat?.bootId &&
    evidence.seq === workspace.heartbeat?.seq &&
    evidence.launchTimeMs === launchTimeOf(facts.probe) &&
    facts.now.latestMs - evidence.atMs <= policy.evidenceLifeMs
  );
}

/** What would undo a sighting. A silent agent's instance runs already: only a sign of life helps it. */
function sightingFlips(view: View): Flip[] {
  const heard = flipAfter('heartbeat-arrives', view.workspace.heartbeat?.atMs);
  return sightingIn(view) === 'silent' ? [heard] : [heard, { kind: 'probe-says-running' }];
}

function sightingIn(view: View): Sighting | 'none' {
  view.sighting ??= sightingOf(view.facts, view.workspace, view.policy) ?? 'none';
  return view.sighting;
}

/** The state that the probe saw of the workspace's own instance. */
function ownState(probe: Probe, { instanceId }: JudgedWorkspace): InstanceState | undefined {
  return probe.kind === 'seen' && probe.instanceId === instanceId ? probe.state : undefined;
}

function launchTimeOf(probe: Probe): number | undefined {
  return probe.kind === 'seen' ? probe.launchTimeMs : undefined;
}

function isUnknownBy(cause: UnknownCause, probe: Probe): boolean {
  return probe.kind === 'unknown' && probe.cause === cause;
}

/** A workspace that is wanted stopped stays so when a pause ends. */
function pauseEndsMs({ desired, pause }: JudgedWorkspace): number | undefined {
  return pause && desired === 'running' ? pause.untilMs : undefined;
}

function flipAfter(kind: Flip['kind'], afterMs: number | undefined): Flip {
  return afterMs === undefined ? { kind } : { kind, afterMs };
}

const factsMalformed = judgement('busy', '1a-facts-malformed', 'facts-malformed');

function judgement(call: Call, rule: Rule, reason: Reason, flip: readonly Flip[] = []): Judgement {
  return { call, rule, reason, flip };
}
