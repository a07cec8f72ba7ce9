/** Ends a claim, whatever came of it: the slot is given back, the news goes out, parked requests are woken. */
import type { PolicySettings } from '../../core/policy.ts';
import type { RestartOutcome, RestartView } from '../../core/restart.ts';
import { isUntouched, type Claim, type Workspace } from '../../core/workspace.ts';
import { wake, type WakePorts } from '../parking/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Power, Ec2Probe } from '../ports/ec2.ts';
import type { Events, EventType } from '../ports/events.ts';
import type { BrakeStore, Ec2Health } from '../ports/fleet.ts';
import type { Ids } from '../ports/ids.ts';
import type { Settled } from '../ports/queues.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { RestartRecords } from '../ports/stories.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { detailOfGone } from './gone.ts';
import { releaseSlot } from './release.ts';

export interface RestartPorts extends WakePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly brake: BrakeStore;
  readonly ec2Health: Pick<Ec2Health, 'recent'>;
  readonly receipts: Pick<ReceiptStore, 'read'>;
  readonly restarts: RestartRecords;
  readonly ec2: Ec2Probe;
  readonly power: Ec2Power;
  readonly events: Events;
  readonly settings: PolicySettings;
}

const eventOf: Record<RestartOutcome, EventType> = {
  done: 'restart.done',
  'false-alarm': 'restart.done',
  gone: 'workspace.gone',
  failed: 'restart.failed',
  cancelled: 'restart.failed',
};

/** Whether a restart was right, as far as its end shows. */
const labelOf: Record<RestartOutcome, 'justified' | 'unjustified' | 'unknown'> = {
  done: 'justified',
  'false-alarm': 'unjustified',
  gone: 'justified',
  failed: 'unknown',
  cancelled: 'unknown',
};

/** The boot that was condemned for silence was heard after the verdict: it was wrong, whatever the restart came to. */
function wasAlive({ kind, bootId, heardBootId }: Claim, { outcome }: End): boolean {
  return outcome === 'done' && kind === 'silent' && bootId !== undefined && heardBootId === bootId;
}

export async function finishClaim(
  ports: RestartPorts,
  { workspace, claim }: Pick<RestartView, 'workspace' | 'claim'>,
  end: End,
): Promise<Settled> {
  const { workspaceId } = workspace;
  // Only a restart that was done leaves its boot retired: one that ended without may have condemned a living agent,
  // and its beats must count again. A late beat of a dead one only makes the judge say busy.
  const quarantine = quarantineOf(claim, end, ports.clock.nowMs());
  const ended = await ports.workspaces.endClaim(workspaceId, claim.token, {
    unretire: end.outcome !== 'done' && end.outcome !== 'gone',
    sets: { ...whatItShowed(workspace, claim, end, ports.clock.nowMs()), ...(quarantine && { quarantine }) },
  });
  await releaseSlot(ports, { token: claim.token, workspaceId, ...end });
  if (ended === 'lost') return { kind: 'done' };
  const label = wasAlive(claim, end) ? 'unjustified' : labelOf[end.outcome];
  ports.log.info('restart ended', {
    workspaceId,
    token: claim.token,
    outcome: end.outcome,
    because: end.because,
    label,
  });
  ports.log.count(`Restart${label.charAt(0).toUpperCase()}${label.slice(1)}`);
  if (end.outcome === 'failed') ports.log.count('RestartFailed');
  if (end.because === 'mute') ports.log.count('WorkspaceMute');
  await ports.events.publish(eventOf[end.outcome], {
    ...(end.outcome === 'gone' && (await needsOfReplacement(ports, workspace))),
    workspaceId,
    instanceId: claim.instanceId,
    token: claim.token,
    outcome: end.outcome,
    reason: end.because,
    label,
  });
  if (quarantine) await tellOfQuarantine(ports, workspaceId, claim.instanceId, quarantine);
  await wake(ports, workspaceId, ports.clock.nowMs());
  // Last: it is for the story only, and nothing that matters more must fail with it.
  await ports.restarts.note(workspaceId, {
    token: claim.token,
    reason: claim.reason,
    sinceMs: claim.sinceMs,
    endedAtMs: ports.clock.nowMs(),
    outcome: end.outcome,
    because: end.because,
    label,
  });
  return { kind: 'done' };
}

type End = { readonly outcome: RestartOutcome; readonly because: string };

/** What the workspace keeps of the end. A restart that touched nothing does not count against the budget. */
function whatItShowed(
  workspace: Workspace,
  claim: Claim,
  { outcome }: End,
  nowMs: number,
): Partial<Pick<Workspace, 'gone' | 'recentRestartsMs'>> {
  const gone = { verdictId: claim.token, atMs: nowMs, instanceId: claim.instanceId };
  if (outcome === 'gone') return { gone };
  return isUntouched(claim) && outcome !== 'done'
    ? { recentRestartsMs: workspace.recentRestartsMs.filter((atMs) => atMs !== claim.sinceMs) }
    : {};
}

/** EC2 did not take the one Stop of a claim just then: it throttled, or the instance was changing its state. */
export const STOP_NOT_TAKEN = 'stop-not-taken';

/**
 * Ends that another try may mend by itself: capacity comes back, a slow agent may beat yet, and a function that ended
 * between the intent of its Stop and the call has used up the one Stop of its claim; the next claim has its own.
 */
const mayMendItself: readonly string[] = [
  'no-capacity',
  'throttled',
  'mute',
  'stop-without-effect',
  STOP_NOT_TAKEN,
];

/** A restart that was tried and has failed is not tried for ever: an operator should look first. */
function quarantineOf(claim: Claim, { outcome, because }: End, nowMs: number): Workspace['quarantine'] {
  if (outcome !== 'failed' || claim.kind === 'operator' || isUntouched(claim)) return undefined;
  return mayMendItself.includes(because) ? undefined : { verdictId: claim.token, atMs: nowMs, because };
}

async function tellOfQuarantine(
  ports: RestartPorts,
  workspaceId: string,
  instanceId: string,
  { verdictId, because }: NonNullable<Workspace['quarantine']>,
): Promise<void> {
  ports.log.count('WorkspaceQuarantined');
  await ports.events.publish('workspace.quarantined', {
    workspaceId,
    instanceId,
    verdictId,
    reason: because,
  });
}

async function needsOfReplacement(ports: RestartPorts, workspace: Workspace) {
  ports.log.count('WorkspaceGone');
  const looks = await ports.ec2.look([workspace.instanceId]);
  return detailOfGone(workspace, looks.get(workspace.instanceId));
}
