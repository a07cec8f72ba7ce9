import type { Probe } from './facts.ts';
import type { Workspace } from './workspace.ts';

/** What EC2 writes down for a stop by its API; a shutdown from inside the instance has another code. */
const STOPPED_BY_API = 'Client.UserInitiatedShutdown';
/** Our own clock and EC2's, and the way between them: a stop this near to one of ours was ours. */
const SAME_STOP_MS = 60_000;

/**
 * Whether a person stopped the instance, as far as EC2 says: a stop by the API that was not Defib's own. When it is
 * not known when the stop was made, it is a person's: doubt never leads to a restart.
 */
export function isManualStop(probe: Probe, { lastStopMs }: Pick<Workspace, 'lastStopMs'>): boolean {
  if (probe.kind !== 'seen' || probe.state !== 'stopped' || probe.stateReason !== STOPPED_BY_API)
    return false;
  if (lastStopMs === undefined || probe.stoppedAtMs === undefined) return true;
  return Math.abs(probe.stoppedAtMs - lastStopMs) > SAME_STOP_MS;
}
