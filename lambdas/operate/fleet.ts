/** The fleet's own switches: pause all restarts, resume, release an open brake. */
import { json, type Answer } from '../../core/answer.ts';
import { closed, restartSlots, type Fleet } from '../../core/brake.ts';
import { policyOf } from '../../core/policy.ts';
import { fleetView } from '../../core/view.ts';
import type { ApiCall } from '../runtime/api-call.ts';
import type { OperatePorts } from './subject.ts';
import { readPause } from './pause.ts';

const MOST_TRIES = 5;

export async function pauseFleet(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const pause = readPause(call);
  return change(ports, (fleet) => ({ ...fleet, pause }));
}

export function resumeFleet(ports: OperatePorts): Promise<Answer> {
  return change(ports, ({ pause: _pause, ...fleet }) => fleet);
}

/** What waits is probed anew and let through by the ramp; a brake that is closed already is left as it is. */
export async function releaseBrake(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const before: { brake?: Fleet['brake'] } = {};
  const answer = await change(ports, (fleet) => {
    before.brake = fleet.brake;
    return closed(fleet, call.now);
  });
  if (before.brake === 'open') {
    ports.log.warn('brake released', { by: call.caller.principal });
    await ports.events.publish('brake.closed', { reason: 'released', by: call.caller.principal });
  }
  return answer;
}

/** Replaces the fleet item, again from what it is by then when an admission was faster. */
async function change(ports: OperatePorts, next: (fleet: Fleet) => Fleet): Promise<Answer> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const before = await ports.brake.read();
    const after = next(before);
    if ((await ports.brake.replace(before, after)) === 'replaced') {
      const count = await ports.brake.workspaceCount();
      return json(200, fleetView(after, count, restartSlots(count, policyOf(ports.settings))));
    }
  }
  throw new Error(`the fleet item changed ${MOST_TRIES} times during one call`);
}
