/** The sweep of the fleet item: slots of ended claims are freed, the brake opens or closes, the ramp ends. */
import { released, swept, UnreadableBrakeError, type Fleet } from '../../core/brake.ts';
import { policyOf, type PolicySettings } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Health } from '../ports/fleet.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { replaceFleet, type BrakePorts } from '../restart/brake-news.ts';
import { stoodStill } from '../runtime/stood-still.ts';

export interface SweepFleetPorts extends BrakePorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly ec2Health: Pick<Ec2Health, 'recent'>;
  readonly settings: PolicySettings;
}

/** Everybody who asks for admission writes the same item. */
const MOST_TRIES = 3;

/** What time the sweep has, and when it began by the function's own clock. */
export interface SweepTime extends TimeRange {
  readonly beganMs: number;
}

export async function sweepFleet(ports: SweepFleetPorts, now: SweepTime): Promise<void> {
  try {
    await sweepBrake(ports, now);
  } catch (error) {
    // Counts as open, so somebody must look (S14): the alarm goes by this count.
    if (error instanceof UnreadableBrakeError) ports.log.count('BrakeUnreadable');
    throw error;
  }
}

async function sweepBrake(ports: SweepFleetPorts, now: SweepTime, tries = 1): Promise<void> {
  const fleet = await ports.brake.read();
  const ended = await endedTokens(ports, fleet);
  const freed = ended.reduce((rest, token) => released(rest, token, now.latestMs), fleet);
  const next =
    swept(freed, now, policyOf(ports.settings), {
      workspaceCount: await ports.brake.workspaceCount(),
      ec2: await ports.ec2Health.recent(now),
    }) ?? freed;
  // By numbers of minutes ago the brake would open for nothing, and cool down from a time that is past.
  if (stoodStill(ports.clock, now.beganMs, 'sweep')) return;
  // Once a minute as long as it is open: the alarm stands until it closes, also where the first page was lost.
  if (next.brake === 'open') ports.log.count('BrakeOpen');
  if (next === fleet) return;
  if ((await replaceFleet(ports, fleet, next)) === 'lost') {
    // Somebody else wrote meanwhile. The next sweep is a minute away, and a brake that may close must not wait for it (V9).
    return tries < MOST_TRIES ? sweepBrake(ports, now, tries + 1) : undefined;
  }
  if (fleet.brake === 'open' && next.brake === 'closed') {
    ports.log.warn('brake closed', { because: 'cooled-down' });
    await ports.events.publish('brake.closed', { reason: 'cooled-down' });
  }
}

async function endedTokens(ports: SweepFleetPorts, fleet: Fleet): Promise<string[]> {
  const ended: string[] = [];
  for (const [token, slot] of Object.entries(fleet.admitted)) {
    const { value: workspace } = await ports.workspaces.read(slot.workspaceId);
    if (workspace === 'absent' || (workspace !== 'malformed' && workspace.claim?.token !== token))
      ended.push(token);
  }
  return ended;
}
