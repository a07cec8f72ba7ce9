/** What the API shows of stored things: times as ISO 8601, durations in seconds, nothing that is not public. */
import type { Fleet } from './brake.ts';
import type { Estimate } from './drain.ts';
import { restartsLeft } from './claim.ts';
import { groupsOf } from './deaths.ts';
import { isFresh } from './heartbeat.ts';
import type { ParkedRequest } from './parking.ts';
import { policyOf, settingTable, withOverrides, type PolicySettings, type SettingName } from './policy.ts';
import { isFinal, type Receipt } from './receipt.ts';
import { isSettling } from './settle.ts';
import { isoTime, type TimeRange } from './time.ts';
import { flipText } from './flip-text.ts';
import { isPaused, type Claim, type Finding, type Pause, type Workspace } from './workspace.ts';

type View = Readonly<Record<string, unknown>>;

export function workspaceView(
  workspace: Workspace,
  settings: PolicySettings,
  now: TimeRange,
  more: { readonly parked: number; readonly lastReceipt?: Receipt },
): View {
  const effective = withOverrides(settings, workspace.settings);
  const { heartbeat, claim, pause, lastReceipt } = { ...workspace, lastReceipt: more.lastReceipt };
  return {
    workspaceId: workspace.workspaceId,
    instanceId: workspace.instanceId,
    port: workspace.port,
    protocol: workspace.protocol,
    path: workspace.path,
    generation: workspace.generation,
    desired: workspace.desired,
    paused: pause && isPaused({ desired: 'running', pause }, now.earliestMs) ? pauseView(pause) : null,
    heartbeat: heartbeat
      ? {
          at: isoTime(heartbeat.atMs),
          ageSeconds: Math.max(0, (now.latestMs - heartbeat.atMs) / 1000),
          seq: heartbeat.seq,
          bootId: heartbeat.bootId,
          activeTasks: heartbeat.activeTasks,
          freshUntil: isoTime(workspace.freshUntilMs),
          fresh: isFresh(workspace.freshUntilMs, now.earliestMs),
        }
      : null,
    settling: isSettling(workspace.settleUntilMs, now.earliestMs)
      ? { until: isoTime(workspace.settleUntilMs), because: workspace.settleBecause }
      : null,
    claim: claim ? claimView(claim) : null,
    gone: workspace.gone ? findingView(workspace.gone) : null,
    quarantine: workspace.quarantine
      ? { ...findingView(workspace.quarantine), because: workspace.quarantine.because }
      : null,
    withheld: workspace.withheld ? findingView(workspace.withheld) : null,
    lastVerdict: lastReceipt
      ? {
          verdictId: lastReceipt.verdictId,
          verdict: isFinal(lastReceipt) ? lastReceipt.verdict : 'pending',
          reason: lastReceipt.reason,
          at: isoTime(lastReceipt.atMs),
        }
      : null,
    restartsLeft: restartsLeft(workspace, now, policyOf(effective)),
    parked: more.parked,
    policy: Object.fromEntries(
      (Object.keys(settingTable) as SettingName[])
        .filter((name) => settingTable[name].scope === 'workspace')
        .map((name) => [name, effective[name]]),
    ),
  };
}

/** An open claim, as operators see it. */
export function claimView(claim: Claim): View {
  return {
    token: claim.token,
    reason: claim.reason,
    step: claim.step,
    attempt: claim.attempt,
    since: isoTime(claim.sinceMs),
    ...(claim.waitsFor !== undefined && { waitsFor: claim.waitsFor }),
    ...(claim.notBeforeMs !== undefined && { notBefore: isoTime(claim.notBeforeMs) }),
  };
}

function findingView({ verdictId, atMs }: Finding): View {
  return { since: isoTime(atMs), verdictId };
}

export function receiptView(receipt: Receipt): View {
  const last = receipt.looks.at(-1);
  return {
    verdictId: receipt.verdictId,
    workspaceId: receipt.workspaceId,
    verdict: isFinal(receipt) ? receipt.verdict : 'pending',
    reason: receipt.reason,
    rule: receipt.rule,
    at: isoTime(receipt.atMs),
    openedAt: isoTime(receipt.openedAtMs),
    errorKind: receipt.errorKind,
    askedBy: receipt.askedBy,
    facts: last?.facts,
    looks: receipt.looks,
    flip: receipt.flip.map((flip) => ({ ...flip, text: flipText(flip) })),
    policyVersion: receipt.policyVersion,
    policy: receipt.policy,
    ...(receipt.act !== undefined && { act: receipt.act }),
    ...(receipt.requestId !== undefined && { requestId: receipt.requestId }),
  };
}

export function requestView(
  request: ParkedRequest,
  more: { readonly position?: number; readonly response?: View; readonly estimate?: Estimate } = {},
): View {
  return {
    requestId: request.requestId,
    workspaceId: request.workspaceId,
    state: request.state,
    ...(more.position !== undefined && { position: more.position }),
    ...(more.estimate && { estimate: estimateView(more.estimate) }),
    attempts: request.attempts,
    ambiguous: request.ambiguous,
    parkedAt: isoTime(request.parkedAtMs ?? request.acceptedAtMs),
    expiresAt: isoTime(request.expiresAtMs),
    ...(request.heldBy !== undefined && { heldBy: request.heldBy }),
    ...(request.why !== undefined && { why: request.why }),
    ...(request.redriveOf !== undefined && { redriveOf: request.redriveOf }),
    ...(request.redrivenAs !== undefined && { redrivenAs: request.redrivenAs }),
    ...(request.finishedAtMs !== undefined && { finishedAt: isoTime(request.finishedAtMs) }),
    ...(more.response && { response: more.response }),
  };
}

/** A guess, and labelled as one: from how this workspace recovered and answered lately. */
function estimateView({ atMs, turnMs, recoveryMs }: Estimate): View {
  return {
    deliveredAt: isoTime(atMs),
    label: 'estimate',
    basis: { turnSeconds: turnMs / 1000, recoverySeconds: recoveryMs / 1000 },
  };
}

export function fleetView(fleet: Fleet, workspaceCount: number, slots: number): View {
  return {
    workspaces: workspaceCount,
    brake: {
      state: fleet.brake,
      cause: fleet.brakeCause ?? null,
      because: fleet.brakeBecause ?? null,
      openedAt: fleet.openedAtMs === undefined ? null : isoTime(fleet.openedAtMs),
      closesAt: fleet.closesAtMs === undefined ? null : isoTime(fleet.closesAtMs),
    },
    // What stands in line is let through in stages: one canary, then twice as many each time.
    ramp: fleet.ramp
      ? { size: fleet.ramp.size, running: fleet.ramp.running.length, done: fleet.ramp.done }
      : null,
    paused: fleet.pause ? pauseView(fleet.pause) : null,
    restartsInFlight: Object.values(fleet.admitted).map((slot) => slot.workspaceId),
    restartSlots: slots,
    recentDeaths: fleet.deaths.length,
    deathGroups: groupsOf(fleet.deaths),
  };
}

/** The fleet while its item cannot be understood: restarts are stopped, and nothing else is known. */
export function unreadableFleetView(workspaceCount: number, slots: number): View {
  const because = 'the fleet item cannot be read by this version';
  return {
    workspaces: workspaceCount,
    brake: { state: 'open', cause: 'unreadable', because, openedAt: null, closesAt: null },
    restartSlots: slots,
  };
}

function pauseView(pause: Pause): View {
  return {
    by: pause.by,
    reason: pause.reason,
    until: pause.untilMs === undefined ? null : isoTime(pause.untilMs),
  };
}
