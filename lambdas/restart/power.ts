/** The acts. Each is preceded by its durable intent and the last look, in one conditional write (S8). */
import {
  CAPACITY_DEADLINE_MS,
  LONGEST_CAPACITY_WAIT_MS,
  RESTART_DEADLINE_MS,
  RESUME_AFTER_MS,
} from '../../core/claim.ts';
import type { RestartView } from '../../core/restart.ts';
import { isUntouched, type Claim } from '../../core/workspace.ts';
import type { PowerOutcome } from '../ports/ec2.ts';
import type { Settled } from '../ports/queues.ts';
import type { LastLook } from '../ports/workspaces.ts';
import { mayAct } from './admit.ts';
import { finishClaim, STOP_NOT_TAKEN, type RestartPorts } from './finish.ts';
import { INVOCATION_LIFE_MS, wasFrozen, type RestartRun } from './frozen.ts';
import { giveBackSlot } from './release.ts';

const BRAKED_WAIT_SECONDS = 10;
const CAPACITY_WAIT_SECONDS = 30;
const STATE_WAIT_SECONDS = 3;
const LONGEST_STATE_WAIT_SECONDS = 60;

export async function issueStart(ports: RestartPorts, view: RestartRun): Promise<Settled> {
  const { workspace, claim, now } = view;
  if (!(await mayAct(ports, view))) return heldBack(ports, view);
  const intent: Claim = { ...claim, step: 'start-issued', attempt: claim.attempt + 1 };
  if (!(await advance(ports, view, intent, { lastLook: lastLookOf(view) })))
    return { kind: 'again', afterSeconds: 1 };
  if (wasFrozen(ports, view)) return { kind: 'again', afterSeconds: 1 };
  const outcome = await ports.power.start(claim.instanceId);
  report(ports, 'start', view, outcome);
  switch (outcome.kind) {
    case 'done': {
      if (outcome.previousState === 'running') return ranAlready(ports, { ...view, claim: intent });
      await recordStart(ports, view, intent, Math.max(ports.clock.nowMs(), now.latestMs));
      await ports.events.publish('restart.started', {
        workspaceId: workspace.workspaceId,
        instanceId: claim.instanceId,
        token: claim.token,
        reason: claim.reason,
      });
      return { kind: 'again', afterSeconds: 2 };
    }
    case 'try-again':
      return tryLater(ports, { ...view, claim: intent }, outcome.code);
    case 'refused':
      return finishClaim(ports, { ...view, claim: intent }, { outcome: 'failed', because: outcome.code });
    case 'unclear':
      // What it did is found out by looking: the next step follows from the state.
      return { kind: 'again', afterSeconds: STATE_WAIT_SECONDS };
  }
}

/**
 * The brake or the ramp says not now. An instance that Defib itself has stopped must come back however long that
 * lasts: it is not given up, nor quarantined, for what the fleet has met. Who was not touched waits on by another way.
 */
async function heldBack(ports: RestartPorts, view: RestartView): Promise<Settled> {
  const { claim, now } = view;
  const isLate = claim.deadlineMs - now.earliestMs < RESTART_DEADLINE_MS / 2;
  if (isLate && !isUntouched(claim) && claim.waitsFor === undefined) {
    ports.log.count('RestartHeldBack');
    await advance(ports, view, { ...claim, deadlineMs: now.latestMs + RESTART_DEADLINE_MS });
  }
  return { kind: 'again', afterSeconds: BRAKED_WAIT_SECONDS };
}

/**
 * EC2 had no capacity, or throttled: nothing was done, and a later Start may succeed. Waiting for that is progress, so
 * the claim lives for up to an hour from its begin; until then its requests stay parked (V4).
 */
async function tryLater(ports: RestartPorts, view: RestartView, code: string): Promise<Settled> {
  const { claim, now } = view;
  const afterSeconds = waitAfter(code, claim.attempt, ports.ids.jitter());
  if (code === 'IncorrectInstanceState') return { kind: 'again', afterSeconds };
  const notBeforeMs = now.latestMs + afterSeconds * 1000;
  const waiting: Claim = {
    ...claim,
    notBeforeMs,
    waitsFor: code.includes('Capacity') ? 'capacity' : 'throttle',
    deadlineMs: Math.max(claim.deadlineMs, claim.sinceMs + CAPACITY_DEADLINE_MS),
  };
  ports.log.count(waiting.waitsFor === 'capacity' ? 'StartWithoutCapacity' : 'StartThrottled');
  // The sweep must not take a claim that waits for one that is stuck.
  const { workspaceId } = view.workspace;
  await ports.workspaces.advanceClaim(workspaceId, claim, waiting, {
    dueAtMs: notBeforeMs + RESUME_AFTER_MS,
  });
  // What one waits for here may take an hour, and says nothing of the others: a canary without capacity is none.
  if (waiting.waitsFor === 'capacity') await giveBackSlot(ports, workspaceId, claim.token);
  return { kind: 'again', afterSeconds };
}

/**
 * Start found it running. Whether it ran all along or somebody else has just started it, its LaunchTime tells; and where
 * EC2 goes on saying stopped, it contradicts itself: nothing more is done to an instance that a Start has found running.
 */
async function ranAlready(ports: RestartPorts, view: RestartView): Promise<Settled> {
  const { instanceId, launchTimeMs } = view.claim;
  const probe = (await ports.ec2.look([instanceId])).get(instanceId)?.probe;
  const runsAnew = probe?.kind === 'seen' && probe.state === 'running' && probe.launchTimeMs !== launchTimeMs;
  if (runsAnew) return { kind: 'again', afterSeconds: 1 };
  return finishClaim(ports, view, { outcome: 'false-alarm', because: 'was-running' });
}

/**
 * The softer first step for a silent agent: no act of Defib's, but news for whoever may run a command on the machine.
 * Its intent comes before it, under the same last look as a Stop, so it is told at most once a claim; what comes of it
 * is known by a beat of a new boot, and without one the time-out leads to the Stop.
 */
export async function soften(ports: RestartPorts, view: RestartRun): Promise<Settled> {
  const { workspace, claim, now, policy } = view;
  if (!(await mayAct(ports, view))) return heldBack(ports, view);
  const softened: Claim = { ...claim, softUntilMs: now.latestMs + policy.softRestartMs };
  if (!(await advance(ports, view, softened, { lastLook: lastLookOfRunning(view) })))
    return { kind: 'again', afterSeconds: 1 };
  // Who listens restarts whatever boot there is by now (S9).
  if (wasFrozen(ports, view)) return { kind: 'again', afterSeconds: 1 };
  ports.log.count('RestartSoftened');
  await ports.events.publish('restart.soft', {
    workspaceId: workspace.workspaceId,
    instanceId: claim.instanceId,
    token: claim.token,
    reason: claim.reason,
    bootId: claim.bootId,
    seconds: policy.softRestartMs / 1000,
  });
  return { kind: 'again', afterSeconds: STATE_WAIT_SECONDS };
}

export async function issueStop(ports: RestartPorts, view: RestartRun): Promise<Settled> {
  const { claim, now } = view;
  if (!(await mayAct(ports, view))) return heldBack(ports, view);
  const intent: Claim = {
    ...claim,
    step: 'stop-issued',
    stopLeaseUntilMs: now.latestMs + INVOCATION_LIFE_MS,
  };
  const stopping = { lastLook: lastLookOfRunning(view), stopAtMs: now.latestMs };
  if (!(await advance(ports, view, intent, stopping))) return { kind: 'again', afterSeconds: 1 };
  if (wasFrozen(ports, view)) return { kind: 'again', afterSeconds: 1 };
  const outcome = await ports.power.stop(claim.instanceId);
  report(ports, 'stop', view, outcome);
  if (outcome.kind === 'refused' || outcome.kind === 'try-again') {
    // Nothing was done, and Stop is issued at most once a claim: an operator may order it again.
    const because = outcome.kind === 'refused' ? outcome.code : STOP_NOT_TAKEN;
    return finishClaim(ports, { ...view, claim: intent }, { outcome: 'failed', because });
  }
  if (outcome.kind === 'done')
    await advance(ports, { ...view, claim: intent }, { ...intent, step: 'stop-recorded' });
  return { kind: 'again', afterSeconds: STATE_WAIT_SECONDS };
}

/** The instance was started, by us with a lost answer or by somebody else: the claim goes on from there. */
export async function adoptStart(
  ports: RestartPorts,
  view: RestartView,
  launchTimeMs: number,
): Promise<Settled> {
  await recordStart(ports, view, view.claim, launchTimeMs);
  return { kind: 'again', afterSeconds: 1 };
}

/** The start is known: the settle window begins with it, and beats of the new boot count from it on. */
async function recordStart(
  ports: RestartPorts,
  { workspace, policy, now }: RestartView,
  from: Claim,
  startedAtMs: number,
): Promise<void> {
  const deadlineMs = now.latestMs + RESTART_DEADLINE_MS;
  const settleUntilMs = Math.max(workspace.settleUntilMs, startedAtMs + policy.settleWindowMs);
  await ports.workspaces.advanceClaim(
    workspace.workspaceId,
    from,
    {
      ...waitedOut(from),
      step: 'starting',
      starts: (from.starts ?? 0) + 1,
      startedAtMs,
      deadlineMs,
      settleUntilMs,
    },
    { dueAtMs: now.latestMs + RESUME_AFTER_MS, settleUntilMs },
  );
}

/** The claim without what it has waited for. */
function waitedOut({ notBeforeMs: _notBefore, waitsFor: _waitsFor, ...claim }: Claim): Claim {
  return claim;
}

async function advance(
  ports: RestartPorts,
  view: RestartView,
  to: Claim,
  also: { lastLook?: LastLook; stopAtMs?: number } = {},
): Promise<boolean> {
  const advanced = await ports.workspaces.advanceClaim(view.workspace.workspaceId, view.claim, to, {
    dueAtMs: view.now.latestMs + RESUME_AFTER_MS,
    ...also,
  });
  return advanced === 'advanced';
}

function lastLookOf({ workspace, claim, now }: RestartView): LastLook {
  if (claim.forced) return { generation: workspace.generation };
  return {
    generation: workspace.generation,
    pauseEndedByMs: now.earliestMs,
    ...(claim.settleUntilMs !== undefined && {
      settle: { untilMs: claim.settleUntilMs, nowMs: now.earliestMs },
    }),
  };
}

/** What runs is still the boot that was condemned. */
function lastLookOfRunning(view: RestartView): LastLook {
  const { bootId } = view.claim;
  return { ...lastLookOf(view), ...(bootId !== undefined && { bootId }) };
}

/** Grows with each attempt: from seconds to a minute for a throttle, from half a minute to five for capacity. */
function waitAfter(code: string, attempt: number, jitter: number): number {
  const isCapacity = code.includes('Capacity');
  const firstSeconds = isCapacity ? CAPACITY_WAIT_SECONDS : STATE_WAIT_SECONDS;
  const longestSeconds = isCapacity ? LONGEST_CAPACITY_WAIT_MS / 1000 : LONGEST_STATE_WAIT_SECONDS;
  return Math.min(firstSeconds * 2 ** Math.min(attempt - 1, 10), longestSeconds) * (1 + jitter / 5);
}

function report(ports: RestartPorts, act: 'start' | 'stop', view: RestartView, outcome: PowerOutcome): void {
  ports.log.info(`ec2 ${act}`, {
    workspaceId: view.workspace.workspaceId,
    instanceId: view.claim.instanceId,
    token: view.claim.token,
    outcome: outcome.kind,
    detail: outcome.kind === 'done' ? outcome.previousState : outcome.code,
  });
  ports.log.count(act === 'start' ? 'StartIssued' : 'StopIssued');
}
