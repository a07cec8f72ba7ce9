import { Construct } from 'constructs';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import type { WorkQueue } from './work-queue.ts';

export interface HeartbeatsProps {
  readonly foundations: Foundations;
  /** The queue whose waiting head a beat wakes when its workspace becomes ready. */
  readonly parked: WorkQueue;
}

/** Takes the agents' signs of life. */
export class Heartbeats extends Construct {
  readonly heartbeat: DefibFunction;

  constructor(scope: Construct, id: string, { foundations, parked }: HeartbeatsProps) {
    super(scope, id);
    this.heartbeat = new DefibFunction(this, 'Heartbeat', {
      name: 'heartbeat',
      description: "Stamps an agent's sign of life",
      foundations,
    });
    foundations.state.usedBy(this.heartbeat, { does: 'beats' });
    parked.hurriedBy(this.heartbeat);
  }
}
