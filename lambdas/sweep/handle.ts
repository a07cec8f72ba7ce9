/**
 * Every minute: whatever got stuck is found by its due time and set going again. The index that finds it may lag, so
 * each row is read again, and each repair is a conditional write or a message that is harmless when repeated. What is
 * more than fits into the time is left to the next sweep, and counted (in-turns.ts).
 *
 *   evidence without a verdict   its re-probe message is sent again
 *   an open claim without news   its epoch is raised and its restart message sent again
 *   a request past its time      ended as expired, or as never accepted; an end that nobody announced, announced
 *   parked requests              those whose message is gone are ended, those that wait in silence are counted
 *   an end of a restart          told, if nobody has told it (restart/tell.ts)
 *   the fleet item               slots of ended claims freed, the brake opened, closed, its ramp ended (fleet.ts)
 */
import { clockFact } from '../../core/clock.ts';
import { RESUME_AFTER_MS } from '../../core/claim.ts';
import { MESSAGE_VERSION } from '../../core/messages.ts';
import { policyOf, type PolicySettings } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import { timeoutSeconds } from '../../core/timeouts.ts';
import type { Evidence, Workspace } from '../../core/workspace.ts';
import { impatient } from '../deliver/patience.ts';
import type { Clock } from '../ports/clock.ts';
import type { DueWork } from '../ports/due-work.ts';
import type { Events } from '../ports/events.ts';
import type { BrakeStore, Ec2Health } from '../ports/fleet.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Queues } from '../ports/queues.ts';
import type { RestartEnds } from '../ports/stories.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { tellEnd } from '../restart/tell.ts';
import { sweepFleet } from './fleet.ts';
import { guarded } from './guarded.ts';
import { inTurns } from './in-turns.ts';
import { sweepParked } from './parked.ts';
import { sweepRequest } from './requests.ts';

export interface SweepPorts {
  readonly clock: Clock;
  readonly due: DueWork;
  readonly workspaces: Pick<WorkspaceStore, 'read' | 'removeEvidence'>;
  readonly ledger: Ledger;
  readonly restartEnds: RestartEnds;
  readonly queues: Queues;
  readonly brake: BrakeStore;
  readonly ec2Health: Pick<Ec2Health, 'recent'>;
  readonly events: Events;
  readonly log: Log;
  readonly settings: PolicySettings;
}

/** The rest of the function's time is for the row that is at work when this is over, if its calls are slow. */
const WORK_FOR_MS = timeoutSeconds.sweep * 1000 - 15_000;
const RESEND_EVERY_MS = 30_000;
/** Evidence that is still there after this was forgotten by its chain. */
const EVIDENCE_LIFE_MS = 5 * 60_000;

export async function handleSweep(ports: SweepPorts): Promise<void> {
  const ownMs = ports.clock.nowMs();
  const { serverTimeMs } = await ports.due.due('evidence', ownMs, { limit: 1 });
  const policy = policyOf(ports.settings);
  if (serverTimeMs === undefined || clockFact(ownMs, serverTimeMs, policy.skewMarginMs) !== 'agrees') {
    // By a clock that is ahead, promises would expire early and the brake would close early. The next sweep is a
    // minute away, and very likely in another sandbox.
    ports.log.error('clocks disagree, nothing swept', { aheadMs: ownMs - (serverTimeMs ?? 0) });
    ports.log.count('SweepClockUnsure');
    return;
  }
  const now: TimeRange = {
    earliestMs: Math.min(ownMs, serverTimeMs),
    latestMs: Math.max(ownMs, serverTimeMs),
  };
  // First what the whole fleet hangs on.
  await guarded(ports.log, 'fleet', () => sweepFleet(ports, { ...now, beganMs: ownMs }));
  const nowMs = now.earliestMs;
  const telling = { ...ports, events: impatient(ports.events) };
  const { rows, behind } = await inTurns(
    ports,
    { nowMs, untilMs: ownMs + WORK_FOR_MS },
    {
      evidence: ({ id }) => sweepWorkspace(ports, id, nowMs),
      workspaces: ({ id }) => sweepWorkspace(ports, id, nowMs),
      parked: ({ id }) => sweepParked(telling, id, nowMs),
      requests: ({ id }) => sweepRequest(telling, id, nowMs),
      restartEnds: ({ id, token = '' }) => sweepRestartEnd(telling, id, token),
    },
  );
  if (behind) ports.log.count('SweepBehind');
  ports.log.info('swept', { ...rows, behind });
}

async function sweepWorkspace(ports: SweepPorts, workspaceId: string, nowMs: number): Promise<void> {
  const { value: workspace } = await ports.workspaces.read(workspaceId);
  if (workspace === 'malformed') throw new Error('the workspace cannot be read');
  if (workspace === 'absent') return;
  if (workspace.claim) await resumeClaim(ports, workspace, nowMs);
  else if (workspace.evidence) await lookAgain(ports, workspace, workspace.evidence, nowMs);
}

async function lookAgain(
  ports: SweepPorts,
  workspace: Workspace,
  evidence: Evidence,
  nowMs: number,
): Promise<void> {
  const { workspaceId } = workspace;
  if (nowMs - evidence.atMs > EVIDENCE_LIFE_MS) {
    ports.log.warn('evidence given up', { workspaceId, verdictId: evidence.verdictId });
    await ports.workspaces.removeEvidence(workspaceId, evidence.verdictId);
    return;
  }
  if ((await ports.due.postponeWorkspace(workspace, nowMs + RESEND_EVERY_MS)) === 'lost') return;
  ports.log.warn('re-probe sent again', { workspaceId, verdictId: evidence.verdictId });
  ports.log.count('ReprobeResent');
  await ports.queues.sendReprobe(
    {
      ...addressOf(workspace),
      kind: 'reprobe',
      epoch: 0,
      verdictId: evidence.verdictId,
      // A silent sighting goes with a refused connection; for a stopped one it does not matter.
      errorKind: evidence.kind === 'silent' ? 'refused' : 'unreachable',
    },
    0,
  );
}

async function resumeClaim(ports: SweepPorts, workspace: Workspace, nowMs: number): Promise<void> {
  const { claim } = workspace;
  if (!claim || (await ports.due.postponeWorkspace(workspace, nowMs + RESUME_AFTER_MS)) === 'lost') return;
  ports.log.info('claim resumed', {
    workspaceId: workspace.workspaceId,
    token: claim.token,
    step: claim.step,
  });
  await ports.queues.sendRestart({
    ...addressOf(workspace),
    kind: 'restart',
    epoch: claim.epoch + 1,
    token: claim.token,
  });
}

async function sweepRestartEnd(ports: SweepPorts, workspaceId: string, token: string): Promise<void> {
  const end = await ports.restartEnds.untold(workspaceId, token);
  if (end) await tellEnd(ports, end);
}

function addressOf(workspace: Workspace) {
  return {
    v: MESSAGE_VERSION,
    workspaceId: workspace.workspaceId,
    instanceId: workspace.instanceId,
    generation: workspace.generation,
  } as const;
}
