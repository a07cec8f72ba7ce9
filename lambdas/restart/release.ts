/** Gives the slot of an ended restart back, and tells the ramp how it ended. */
import { afterRestart, type EndedRestart } from '../../core/brake.ts';
import { policyOf, type PolicySettings } from '../../core/policy.ts';
import type { RestartOutcome } from '../../core/restart.ts';
import type { Clock } from '../ports/clock.ts';
import { replaceFleet, type BrakePorts } from './brake-news.ts';

const MOST_TRIES = 5;

/** A restart that is done says something good of the way back, one that failed something bad, all others nothing. */
const meaning: Record<RestartOutcome, EndedRestart['outcome']> = {
  done: 'done',
  failed: 'failed',
  'false-alarm': 'other',
  gone: 'other',
  cancelled: 'other',
};

type ReleasePorts = BrakePorts & { readonly clock: Clock; readonly settings: PolicySettings };
type Release = Omit<EndedRestart, 'outcome'> & { readonly outcome: RestartOutcome };

/** Best effort, a few times: the sweep frees what is left, and the ramp then goes on with another one. */
export async function releaseSlot(ports: ReleasePorts, end: Release): Promise<void> {
  try {
    await tryRelease(ports, end);
  } catch (error) {
    const { workspaceId, token } = end;
    ports.log.error('slot not given back', { workspaceId, token }, error);
    ports.log.count('SlotNotReleased');
  }
}

async function tryRelease(ports: ReleasePorts, end: Release): Promise<void> {
  const policy = policyOf(ports.settings);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const fleet = await ports.brake.read();
    if (fleet.admitted[end.token] === undefined && !fleet.ramp?.running.includes(end.token)) return;
    const nowMs = ports.clock.nowMs();
    const now = { earliestMs: nowMs, latestMs: nowMs };
    const after = afterRestart(fleet, { ...end, outcome: meaning[end.outcome] }, now, policy);
    if ((await replaceFleet(ports, fleet, after)) === 'replaced') return;
  }
}

/** The slot of a claim that goes on, but may not act for a while: another one may use it, and take its turn. */
export function giveBackSlot(ports: ReleasePorts, workspaceId: string, token: string): Promise<void> {
  return releaseSlot(ports, { token, workspaceId, outcome: 'cancelled', because: 'waits' });
}
