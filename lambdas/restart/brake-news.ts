/** Tells that the brake has opened. Only the one whose write opened it tells, so that there is one page. */
import type { Fleet } from '../../core/brake.ts';
import { commonFactors } from '../../core/deaths.ts';
import type { Events } from '../ports/events.ts';
import type { BrakeStore } from '../ports/fleet.ts';
import type { Log } from '../ports/log.ts';

export interface BrakePorts {
  readonly brake: BrakeStore;
  readonly events: Events;
  readonly log: Log;
}

/** Replaces the fleet item; when that opened the brake, the news goes out. */
export async function replaceFleet(
  ports: BrakePorts,
  before: Fleet,
  after: Fleet,
): Promise<'replaced' | 'lost'> {
  const replaced = await ports.brake.replace(before, after);
  if (replaced === 'replaced' && before.brake === 'closed' && after.brake === 'open') {
    const news = {
      cause: after.brakeCause,
      because: after.brakeBecause,
      deaths: after.deaths.length,
      inCommon: commonFactors(after.deaths),
    };
    ports.log.warn('brake opened', news);
    ports.log.count('BrakeOpened');
    await ports.events.publish('brake.opened', news);
  }
  return replaced;
}
