/** Tells of every Start and Stop that Defib calls, as the EC2 proxy counts them. */
import { setInterval as every } from 'node:timers/promises';

import type { Ec2Console, PowerCalls } from './ec2-console.ts';
import type { Member } from './member.ts';
import type { Timeline } from './timeline.ts';

const lookEveryMs = 200;

export async function watchPower(
  members: readonly Member[],
  ec2: Ec2Console,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, PowerCalls>();
  for await (const _ of every(lookEveryMs, undefined, { signal })) {
    for (const { workspaceId, instanceId } of members) {
      const before = known.get(instanceId) ?? { starts: 0, stops: 0 };
      const now = ec2.callsOfDefib(instanceId);
      known.set(instanceId, now);
      const tell = (call: string, count: number): void =>
        timeline.say({
          workspaceId,
          kind: 'ec2',
          text: `Defib has called ${call} (${count} in all)`,
          data: { instanceId, call, count },
        });
      if (now.starts > before.starts) tell('StartInstances', now.starts);
      if (now.stops > before.stops) tell('StopInstances', now.stops);
    }
  }
}
