/**
 * Tells how a restart ended: counts, by which people are paged, and events. At least once, since the row of the end
 * stays due until this was done, and the sweep does what a crash or a fault left out. The wake of parked requests is no
 * part of it: that is a hint, and without it they come by themselves.
 */
import type { RestartOutcome } from '../../core/restart.ts';
import { tellAgainAtMs } from '../../core/untold.ts';
import type { Clock } from '../ports/clock.ts';
import type { Events, EventType } from '../ports/events.ts';
import type { Log } from '../ports/log.ts';
import type { RestartEnd, RestartEnds } from '../ports/stories.ts';

export interface TellPorts {
  readonly clock: Clock;
  readonly restartEnds: RestartEnds;
  readonly events: Events;
  readonly log: Log;
}

const eventOf: Record<RestartOutcome, EventType> = {
  done: 'restart.done',
  'false-alarm': 'restart.done',
  gone: 'workspace.gone',
  failed: 'restart.failed',
  cancelled: 'restart.failed',
};

/** Tells it at the end itself, which has happened whatever becomes of this. */
export async function tellNow(ports: TellPorts, end: RestartEnd): Promise<void> {
  try {
    await tellEnd(ports, end);
  } catch (error) {
    const { workspaceId, record } = end;
    ports.log.error('end of a restart not noted as told', { workspaceId, token: record.token }, error);
  }
}

export async function tellEnd(ports: TellPorts, end: RestartEnd): Promise<void> {
  if (end.counted !== true) count(ports, end);
  const isTold = await announce(ports, end);
  const nowMs = ports.clock.nowMs();
  if (isTold) await ports.restartEnds.told(end);
  else await ports.restartEnds.tellLater(end, tellAgainAtMs(end.record.endedAtMs, nowMs));
}

function count({ log }: TellPorts, { workspaceId, record, quarantined }: RestartEnd): void {
  const { token, outcome, because, label } = record;
  log.info('restart ended', { workspaceId, token, outcome, because, label });
  log.count(`Restart${label.charAt(0).toUpperCase()}${label.slice(1)}`);
  if (outcome === 'failed') log.count('RestartFailed');
  if (outcome === 'gone') log.count('WorkspaceGone');
  if (because === 'mute') log.count('WorkspaceMute');
  if (quarantined) log.count('WorkspaceQuarantined');
}

async function announce({ events }: TellPorts, end: RestartEnd): Promise<boolean> {
  const { workspaceId, instanceId, replacement, quarantined } = end;
  const { token, outcome, because, label } = end.record;
  const isEndTold = await events.publish(eventOf[outcome as RestartOutcome], {
    ...replacement,
    workspaceId,
    instanceId,
    token,
    outcome,
    reason: because,
    label,
  });
  if (!isEndTold || !quarantined) return isEndTold;
  return events.publish('workspace.quarantined', {
    workspaceId,
    instanceId,
    verdictId: token,
    reason: because,
  });
}
