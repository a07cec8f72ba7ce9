/** Ends a claim, whatever came of it: the slot is given back, the news goes out, parked requests are woken. */
import type { PolicySettings } from '../../core/policy.ts';
import type { RestartOutcome, RestartView } from '../../core/restart.ts';
import { wake, type WakePorts } from '../parking/wake.ts';
import type {
  BrakeStore,
  Clock,
  Ec2Health,
  Ec2Power,
  Ec2Probe,
  Events,
  EventType,
  Ids,
  ReceiptStore,
  Settled,
  WorkspaceStore,
} from '../ports.ts';
import { releaseSlot } from './release.ts';

export interface RestartPorts extends WakePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly brake: BrakeStore;
  readonly ec2Health: Pick<Ec2Health, 'recent'>;
  readonly receipts: Pick<ReceiptStore, 'read'>;
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

export async function finishClaim(
  ports: RestartPorts,
  { workspace, claim }: Pick<RestartView, 'workspace' | 'claim'>,
  end: { readonly outcome: RestartOutcome; readonly because: string },
): Promise<Settled> {
  const { workspaceId } = workspace;
  // Only a restart that was done leaves its boot retired: one that ended without may have condemned a living agent,
  // and its beats must count again. A late beat of a dead one only makes the judge say busy.
  const ended = await ports.workspaces.endClaim(workspaceId, claim.token, {
    unretire: end.outcome !== 'done' && end.outcome !== 'gone',
  });
  await releaseSlot(ports, { token: claim.token, workspaceId, ...end });
  if (ended === 'lost') return { kind: 'done' };
  const label = labelOf[end.outcome];
  ports.log.info('restart ended', {
    workspaceId,
    token: claim.token,
    outcome: end.outcome,
    because: end.because,
    label,
  });
  ports.log.count(`Restart${label.charAt(0).toUpperCase()}${label.slice(1)}`);
  await ports.events.publish(eventOf[end.outcome], {
    workspaceId,
    instanceId: claim.instanceId,
    token: claim.token,
    outcome: end.outcome,
    reason: end.because,
    label,
  });
  await wake(ports, workspaceId, ports.clock.nowMs());
  return { kind: 'done' };
}
