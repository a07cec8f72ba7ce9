/**
 * What befalls one workspace: its instance is stopped from outside and Defib has to bring it back, or its agent is
 * restarted, announced or not.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { SoakAgent } from './agent.ts';
import type { Chance } from './chance.ts';
import type { DefibApi } from './defib-api.ts';
import type { Machines } from './machine.ts';

const troubles = { 'instance stops': 40, 'agent restarts, announced': 40, 'agent restarts': 20 };

export interface Subject {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly agent: SoakAgent;
}

export interface TroubleParts {
  readonly subject: Subject;
  readonly machines: Machines;
  readonly defib: DefibApi;
  readonly chance: Chance;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Told each trouble as it begins. */
  readonly tell: (trouble: string) => void;
}

/** Makes trouble until told to stop; what was begun is ended first, so that no agent stays down by our hand. */
export async function makeTrouble(parts: TroubleParts): Promise<void> {
  const { chance, everyMs, signal } = parts;
  let pauseMs = chance.between(0.1, 0.9) * everyMs;
  while (await pause(pauseMs, signal)) {
    const trouble = chance.pick(troubles);
    parts.tell(trouble);
    if (trouble === 'instance stops') await stopInstance(parts);
    else await restartAgent(parts, trouble === 'agent restarts, announced');
    pauseMs = chance.between(0.6, 1.4) * everyMs;
  }
}

async function stopInstance({ subject, machines }: TroubleParts): Promise<void> {
  const { agent, instanceId } = subject;
  const states = await machines.states([instanceId]);
  // It is down already, or on its way up.
  if (states.get(instanceId) !== 'running') return;
  await agent.die();
  await machines.stop(instanceId);
}

async function restartAgent(
  { subject, machines, defib, chance }: TroubleParts,
  announced: boolean,
): Promise<void> {
  const { agent, workspaceId, instanceId } = subject;
  if (!agent.isUp) return;
  if (announced) await defib.announceChange(workspaceId, 15);
  await agent.die();
  await sleep(chance.between(1000, 4000));
  const states = await machines.states([instanceId]);
  if (states.get(instanceId) === 'running') await agent.boot(announced ? 'the agent back' : undefined);
}

/** False when it is over. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  // Rejected when the soak is stopped, which the next line sees.
  await sleep(ms, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
