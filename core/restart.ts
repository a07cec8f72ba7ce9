import { RESTART_DEADLINE_MS } from './claim.ts';
import type { Probe } from './facts.ts';
import { assertNever } from './invariant.ts';
import type { Policy } from './policy.ts';
import { isSettling } from './settle.ts';
import { isManualStop } from './manual-stop.ts';
import { isInstant, type TimeRange } from './time.ts';
import { isPaused, isUntouched, type Claim, type Workspace } from './workspace.ts';

/**
 * RestartByID, one step at a time: what to do next follows from what the instance is now, never from what we
 * believe we did. Start only where the instance is seen stopped; Stop only what runs, is condemned, and is still
 * the very boot that was condemned (S9): a second Stop on the instance that was just started is the incident again.
 */
export type RestartAction =
  | { readonly do: 'admit' }
  | { readonly do: 'start' }
  /** Silent, and the instance runs: its agent alone is to be restarted first, by whoever listens for that. */
  | { readonly do: 'soften' }
  | { readonly do: 'stop'; readonly launchTimeMs: number }
  /** It runs anew, though no Start of ours is known to have succeeded: from its launch on, its beats count. */
  | { readonly do: 'adopt'; readonly launchTimeMs: number }
  | { readonly do: 'wait'; readonly forMs: number; readonly because: string }
  /** It was admitted and may not act for now, or not at all in its time: it goes back to wait for admission. */
  | {
      readonly do: 'step-back';
      readonly forMs: number;
      readonly because: 'paused' | 'settling' | 'not-its-turn';
    }
  | { readonly do: 'finish'; readonly outcome: RestartOutcome; readonly because: string };

export const restartOutcomes = ['done', 'false-alarm', 'gone', 'failed', 'cancelled'] as const;
/**
 * `done`: the new boot gave a sign of life. `false-alarm`: the instance had been running all along; nobody was
 * harmed. `gone`: terminated, cannot be started. `failed`: given up, an operator should look. `cancelled`: the wish
 * for a restart was withdrawn.
 */
export type RestartOutcome = (typeof restartOutcomes)[number];

/** Times that an instance may fall back to stopped after a Start that succeeded, before the claim gives up. */
export const MOST_FALL_BACKS = 3;
/** EC2's answers may lag behind what was done; a Start is not repeated sooner than this. */
const READ_LAG_MS = 10_000;
const POLL_MS = 2000;
const PAUSED_POLL_MS = 30_000;
/** An instance that has been stopping for this long is stuck (V7). */
const STOPPING_AT_MOST_MS = 10 * 60_000;
/** The longest sleep of a claim that may not act yet: a withdrawn wish is noticed by then. */
const LONGEST_WAIT_MS = 60_000;

export interface RestartView {
  readonly workspace: Workspace;
  readonly claim: Claim;
  readonly probe: Probe;
  readonly now: TimeRange;
  readonly policy: Policy;
}

/** Whether the instance must be looked at before {@link nextRestartAction} can decide. */
export function needsProbe(claim: Claim, now: TimeRange): boolean {
  return claim.step !== 'awaiting-admission' || isOver(claim, now);
}

/** The next step of an open claim. */
export function nextRestartAction(view: RestartView): RestartAction {
  const { workspace, claim, now } = view;
  if (isOver(claim, now)) return atDeadline(view);
  const started = isStarted(claim);
  if (workspace.desired === 'stopped' && !started) return finish('cancelled', 'desired-stopped');
  if (!claim.forced && !started && isPaused(workspace, now.earliestMs))
    return heldUp(claim, 'paused', PAUSED_POLL_MS);
  const untouched = isUntouched(claim);
  if (claim.kind === 'silent' && untouched && claim.heardAtMs !== undefined) return whenHeard(claim);
  if (!claim.forced && untouched && settledByOthers(view)) return heldUp(claim, 'settling');
  const early = claim.step === 'awaiting-admission' ? tooEarly(view) : undefined;
  if (early) return early;
  return claim.step === 'awaiting-admission' ? { do: 'admit' } : byTheLook(view);
}

function byTheLook(view: RestartView): RestartAction {
  const { claim, probe } = view;
  if (probe.kind !== 'seen' || probe.instanceId !== claim.instanceId) return wait('probe-inconclusive');
  switch (probe.state) {
    case 'pending':
      return wait('booting');
    case 'stopping':
    case 'shutting-down':
      return wait(probe.state);
    case 'terminated':
      return finish('gone', 'terminated');
    case 'stopped':
      return whenStopped(view);
    case 'running':
      // Without a LaunchTime nobody can say whether this is the condemned boot: it is neither stopped nor acquitted.
      return isInstant(probe.launchTimeMs)
        ? whenRunning(view, probe.launchTimeMs)
        : wait('probe-inconclusive');
    default:
      return assertNever(probe.state);
  }
}

function isOver({ deadlineMs }: Claim, { earliestMs }: TimeRange): boolean {
  return earliestMs >= deadlineMs;
}

/** A Start was issued: what became of it is found out before anything else. */
function isStarted({ step }: Claim): boolean {
  return step === 'start-issued' || step === 'starting';
}

/** A sign of life after the softer step is what that was for, if it is of a new boot; any other was there all along. */
function whenHeard({ softUntilMs, heardBootId, bootId }: Claim): RestartAction {
  return softUntilMs !== undefined && heardBootId !== undefined && heardBootId !== bootId
    ? finish('done', 'agent-restarted')
    : finish('false-alarm', 'heard');
}

/** The ladder's first step, where the policy has one: only when its time is over comes the Stop. */
function softerFirst({ claim, now, policy }: RestartView): RestartAction | undefined {
  if (claim.kind !== 'silent') return undefined;
  if (claim.softUntilMs === undefined) return policy.softRestartMs > 0 ? { do: 'soften' } : undefined;
  const leftMs = claim.softUntilMs - now.earliestMs;
  return leftMs > 0 ? wait('agent-restarting', Math.min(leftMs, POLL_MS)) : undefined;
}

/** Its time is over: how it ends says what it was waiting for. */
function atDeadline(view: RestartView): RestartAction {
  const { claim, probe, workspace, now } = view;
  if (claim.step === 'awaiting-approval') return finish('cancelled', 'not-approved');
  if (!isStarted(claim)) {
    if (workspace.desired === 'stopped') return finish('cancelled', 'desired-stopped');
    // A person held it up, which is no failure of the restart.
    if (!claim.forced && isPaused(workspace, now.earliestMs)) return finish('cancelled', 'paused');
  }
  const waited = isUntouched(claim) && claim.kind !== 'operator' ? afterWaiting(view) : undefined;
  if (waited) return waited;
  if (claim.waitsFor === 'capacity') return finish('failed', 'no-capacity');
  if (claim.waitsFor === 'throttle') return finish('failed', 'throttled');
  if (probe.kind !== 'seen' || probe.instanceId !== claim.instanceId) return finish('failed', 'deadline');
  if (probe.state === 'stopping') return finish('failed', 'stuck-stopping');
  if (probe.state !== 'running' || claim.step !== 'starting') return finish('failed', 'deadline');
  // It runs, and its agent may be slow: nothing is done to it, and a late first beat makes it whole.
  const { heartbeat } = workspace;
  return heartbeat && heartbeat.bootId !== claim.bootId
    ? finish('done', 'heartbeat')
    : finish('failed', 'mute');
}

/**
 * Brake, ramp, slots or somebody's settle window kept it waiting all that time. What is dead must not be forgotten
 * with its claim, for perhaps nobody reports it a second time (V3); and under a new claim it would count as another
 * death, so that a long way back from a storm would look like the next one. So it is looked at again, and waits on.
 * Undefined: the look is no reason to.
 */
function afterWaiting(view: RestartView): RestartAction | undefined {
  const { claim, probe } = view;
  if (claim.kind === 'silent' && claim.heardAtMs !== undefined) return whenHeard(claim);
  if (probe.kind === 'not-made') return wait('probe-inconclusive');
  // EC2 gives no answer at all: that is a reason neither to act nor to forget.
  if (probe.kind === 'unknown' && (probe.cause === 'throttled' || probe.cause === 'error'))
    return wait('probe-inconclusive', LONGEST_WAIT_MS);
  const action = byTheLook({ ...view, claim: { ...claim, step: 'admitted' } });
  if (action.do === 'start' || action.do === 'stop') return stepBack('not-its-turn');
  return action.do === 'wait' ? undefined : action;
}

/** It has been stopping for longer than any instance should: nothing that waiting will mend (V7). */
export function isStuckStopping({ claim, probe, now }: RestartView): boolean {
  const unchangedSinceMs = claim.deadlineMs - RESTART_DEADLINE_MS;
  return (
    probe.kind === 'seen' &&
    probe.state === 'stopping' &&
    now.earliestMs - Math.max(unchangedSinceMs, claim.stopLeaseUntilMs ?? 0) > STOPPING_AT_MOST_MS
  );
}

/** The claim may not act yet: a restart a short while ago, or a refusal by EC2, is waited out. */
function tooEarly({ claim, now }: RestartView): RestartAction | undefined {
  const leftMs = (claim.notBeforeMs ?? 0) - now.earliestMs;
  return leftMs > 0 ? wait(claim.waitsFor ?? 'back-off', Math.min(leftMs, LONGEST_WAIT_MS)) : undefined;
}

/** Somebody announced a change after the claim: nothing is done while that window lasts (S2). */
function settledByOthers({ workspace, claim, now }: RestartView): boolean {
  const ownUntilMs = claim.settleUntilMs ?? Infinity;
  return workspace.settleUntilMs > ownUntilMs && isSettling(workspace.settleUntilMs, now.earliestMs);
}

function whenStopped(view: RestartView): RestartAction {
  const { workspace, claim, probe, now, policy } = view;
  // Asked again here, for a claim that has started the instance once: whoever stopped it since may want it so (S12).
  if (workspace.desired === 'stopped') return finish('cancelled', 'desired-stopped');
  if (!claim.forced && isPaused(workspace, now.earliestMs)) return wait('paused', PAUSED_POLL_MS);
  // What an operator ordered is a person's wish too; and after our own Stop it is stopped by us.
  const isOurs = claim.kind === 'operator' || claim.stopLeaseUntilMs !== undefined;
  if (policy.respectManualStop && !isOurs && isManualStop(probe, workspace))
    return finish('cancelled', 'stopped-by-person');
  if (claim.step === 'awaiting-approval') return wait('awaiting-approval', PAUSED_POLL_MS);
  if (claim.step === 'stop-issued' && now.earliestMs < (claim.stopLeaseUntilMs ?? 0))
    return wait('stop-in-flight');
  const early = tooEarly(view);
  if (early) return early;
  // The answer may be older than our own Start: a moment's patience, then it counts as fallen back.
  if (now.earliestMs < (claim.startedAtMs ?? 0) + READ_LAG_MS) return wait('read-lag');
  if ((claim.starts ?? 0) >= MOST_FALL_BACKS) return finish('failed', 'start-refused');
  return { do: 'start' };
}

function whenRunning(view: RestartView, launchTimeMs: number): RestartAction {
  const { claim, workspace, now } = view;
  if (launchTimeMs !== claim.launchTimeMs) return whenRunningAnew(view, launchTimeMs);
  if (claim.kind === 'dead') return finish('false-alarm', 'was-running');
  if (claim.step === 'awaiting-approval') return wait('awaiting-approval', PAUSED_POLL_MS);
  // Condemned while it runs: the claim holds to the boot id and LaunchTime of the moment it was made.
  if (claim.step === 'admitted') {
    // While the claim is open a new boot's beats are refused, but they are noted.
    const restartedItself =
      claim.bootId !== undefined && (claim.heardBootId ?? claim.bootId) !== claim.bootId;
    if (restartedItself || workspace.heartbeat?.bootId !== claim.bootId)
      return finish('done', 'restarted-meanwhile');
    return softerFirst(view) ?? { do: 'stop', launchTimeMs: claim.launchTimeMs };
  }
  if (claim.step === 'stop-issued' && now.earliestMs < (claim.stopLeaseUntilMs ?? 0))
    return wait('stop-in-flight');
  if (now.earliestMs < (claim.stopLeaseUntilMs ?? 0) + READ_LAG_MS) return wait('read-lag');
  return finish('failed', 'stop-without-effect');
}

/**
 * The instance runs since after the claim: the restart's result, whoever started it (the answer of our own Start may
 * have been lost). Done when its agent says so; until its launch is known to the claim, no beat of the new boot counts.
 */
function whenRunningAnew(
  { workspace, claim, now, policy }: RestartView,
  launchTimeMs: number,
): RestartAction {
  const { heartbeat } = workspace;
  if (heartbeat && heartbeat.bootId !== claim.bootId) return finish('done', 'heartbeat');
  if (claim.startedAtMs === undefined) return { do: 'adopt', launchTimeMs };
  // Neither before the claim nor since, or it would have been done by that beat.
  const neverBeat = claim.bootId === undefined;
  const startedMs = Math.max(launchTimeMs, claim.startedAtMs);
  if (neverBeat && now.earliestMs >= startedMs + policy.settleWindowMs)
    return finish('done', 'ran-for-settle-window');
  return wait('awaiting-heartbeat');
}

/** What holds one up for long must not hold up the others: an admitted claim gives its slot, and its turn, back. */
function heldUp(claim: Claim, because: 'paused' | 'settling', forMs = POLL_MS): RestartAction {
  return claim.step === 'admitted' ? stepBack(because, forMs) : wait(because, forMs);
}

function stepBack(because: 'paused' | 'settling' | 'not-its-turn', forMs = POLL_MS): RestartAction {
  return { do: 'step-back', because, forMs };
}

function wait(because: string, forMs = POLL_MS): RestartAction {
  return { do: 'wait', forMs, because };
}

function finish(outcome: RestartOutcome, because: string): RestartAction {
  return { do: 'finish', outcome, because };
}
