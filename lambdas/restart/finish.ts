/** Ends a claim, whatever came of it: the news goes out, parked requests are woken, the slot is given back. */
import type { PolicySettings } from '../../core/policy.ts';
import type { RestartOutcome, RestartView } from '../../core/restart.ts';
import { isUntouched, type Claim, type Workspace } from '../../core/workspace.ts';
import { wake, type WakePorts } from '../parking/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Power, Ec2Probe } from '../ports/ec2.ts';
import type { Events } from '../ports/events.ts';
import type { BrakeStore, Ec2Health } from '../ports/fleet.ts';
import type { Ids } from '../ports/ids.ts';
import type { Settled } from '../ports/queues.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { RestartEnd, RestartEnds } from '../ports/stories.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { detailOfGone } from './gone.ts';
import { releaseSlot } from './release.ts';
import { tellNow } from './tell.ts';

export interface RestartPorts extends WakePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly brake: BrakeStore;
  readonly ec2Health: Pick<Ec2Health, 'recent'>;
  readonly receipts: Pick<ReceiptStore, 'read'>;
  readonly restartEnds: RestartEnds;
  readonly ec2: Ec2Probe;
  readonly power: Ec2Power;
  readonly events: Events;
  readonly settings: PolicySettings;
}

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
  const nowMs = ports.clock.nowMs();
  const quarantine = quarantineOf(claim, end, nowMs);
  const told: RestartEnd = {
    workspaceId,
    instanceId: claim.instanceId,
    record: {
      token: claim.token,
      reason: claim.reason,
      sinceMs: claim.sinceMs,
      endedAtMs: nowMs,
      outcome: end.outcome,
      because: end.because,
      label: wasAlive(claim, end) ? 'unjustified' : labelOf[end.outcome],
    },
    quarantined: quarantine !== undefined,
    ...(end.outcome === 'gone' && { replacement: await needsOfReplacement(ports, workspace) }),
  };
  const ended = await ports.workspaces.endClaim(claim, told, {
    // Only a restart that was done leaves its boot retired: one that ended without may have condemned a living agent,
    // and its beats must count again. A late beat of a dead one only makes the judge say busy.
    unretire: end.outcome !== 'done' && end.outcome !== 'gone',
    sets: { ...whatItShowed(workspace, claim, end, nowMs), ...(quarantine && { quarantine }) },
  });
  // Somebody has carried on with it since it was read: its end is no longer ours to say, and its slot is in use.
  if (ended === 'lost') return { kind: 'again', afterSeconds: 1 };
  // Nothing of the following throws: the message is done, and what is left out here the sweep does.
  await tellNow(ports, told);
  await wake(ports, workspaceId, ports.clock.nowMs());
  await releaseSlot(ports, { token: claim.token, workspaceId, ...end });
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

async function needsOfReplacement(ports: RestartPorts, workspace: Workspace) {
  const looks = await ports.ec2.look([workspace.instanceId]);
  return detailOfGone(workspace, looks.get(workspace.instanceId));
}
