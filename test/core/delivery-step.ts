/** What deliver does with a message of a parked request, for tests: a workspace that is ready, unless they say otherwise. */
import { nextDeliveryStep, type DeliveryView } from '../../core/delivery-step.ts';
import { aRequest, aWorkspace, at, deepFrozen, NOW_MS, policy } from './builders.ts';

/** The step for the first receive of a message, over facts that nobody can change. */
export function step(overrides: Partial<DeliveryView> = {}) {
  const view: DeliveryView = {
    request: aRequest(),
    enqueueNo: 1,
    receives: 1,
    workspace: aWorkspace(),
    now: at(NOW_MS),
    policy,
    ...overrides,
  };
  return nextDeliveryStep(deepFrozen(view));
}
