/** Puts the lifecycle's view into EC2's answers: state, launch time, and why it changed. */
import type { InstanceLife, Move } from './lifecycle.ts';
import { stateCodes, type StateName } from './states.ts';
import type { XmlElement } from './xml.ts';

export function stateElement(state: StateName): XmlElement {
  return { code: String(stateCodes[state]), name: state };
}

/** The instance as DescribeInstances shows it; `shown` is the state that a fault orders to show. */
export function dressed(instance: XmlElement, life: InstanceLife, shown: StateName = life.state): XmlElement {
  return {
    ...instance,
    instanceState: stateElement(shown),
    launchTime: ec2Time(life.launchedAtMs),
    reason: life.transitionReason,
    ...(life.stateReason ? { stateReason: { ...life.stateReason } } : {}),
  };
}

/** The item of a Start, Stop or Terminate answer. */
export function moveElement(move: Move): XmlElement {
  return {
    instanceId: move.instanceId,
    previousState: stateElement(move.previous),
    currentState: stateElement(move.current),
  };
}

/** EC2 gives whole seconds. */
function ec2Time(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}.000Z`;
}
