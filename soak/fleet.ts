/** The fleet of the soak: instances, their registrations, and an agent on each that runs while its instance does. */
import { setTimeout as sleep } from 'node:timers/promises';

import { callAs } from '../local/callers.ts';
import type { LocalInfo } from '../local/local-info.ts';
import { choosePort } from '../local/port.ts';
import { SoakAgent, type AgentParts } from './agent.ts';
import type { Chance } from './chance.ts';
import type { DefibApi } from './defib-api.ts';
import type { Machines } from './machine.ts';
import type { Subject } from './trouble.ts';

const lookEveryMs = 500;

export interface FleetParts {
  readonly info: LocalInfo;
  readonly defib: DefibApi;
  readonly machines: Machines;
  readonly chance: Chance;
  readonly beatSeconds: number;
  readonly deliverTimeoutSeconds: number;
  readonly undo: (what: () => Promise<void> | void) => void;
  readonly onArrival: AgentParts['onArrival'];
  readonly onReadyBeat: (workspaceId: string, ...beat: Parameters<AgentParts['onReadyBeat']>) => void;
}

/** One workspace: launched, registered, and not yet booted. */
export async function addWorkspace(parts: FleetParts, workspaceId: string): Promise<Subject> {
  const { info, defib, machines, chance, beatSeconds, deliverTimeoutSeconds, undo, onArrival } = parts;
  const [instanceId, port] = [await machines.launch(workspaceId), await choosePort()];
  const api = await callAs(info, 'agent', instanceId);
  undo(() => api.close());
  const agent = new SoakAgent({
    workspaceId,
    port,
    api,
    beatSeconds,
    chance: chance.of(`agent ${workspaceId}`),
    tooLateMs: deliverTimeoutSeconds * 1000 + 1500,
    onArrival,
    onReadyBeat: (after, sentAtMs) => parts.onReadyBeat(workspaceId, after, sentAtMs),
  });
  undo(() => agent.die());
  // The run may stop an instance as often as it likes.
  const policy = { restartsPerWindow: 100, deliverTimeoutSeconds };
  await defib.register(workspaceId, { instanceId, port, policy });
  return { workspaceId, instanceId, agent };
}

/** Boots an agent when its instance gets running, and kills it when the instance leaves that, until told to stop. */
export async function followMachines(
  machines: Machines,
  subjects: readonly Subject[],
  signal: AbortSignal,
): Promise<void> {
  const before = new Map<string, string>();
  while (!signal.aborted) {
    // A look that fails is made again: only what is seen moves an agent.
    const states = await machines.states(subjects.map(({ instanceId }) => instanceId)).catch(() => undefined);
    for (const { instanceId, agent } of subjects) {
      const state = states?.get(instanceId);
      if (state === undefined || state === before.get(instanceId)) continue;
      before.set(instanceId, state);
      if (state === 'running') await agent.boot('the instance back');
      else await agent.die();
    }
    // Rejected when the soak is stopped, which the loop's condition sees.
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
  }
}
