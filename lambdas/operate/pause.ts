/** Pausing a workspace: no restart and no delivery until the pause ends, or somebody ends it. */
import { problem, type Answer } from '../../core/answer.ts';
import type { Pause } from '../../core/workspace.ts';
import { wake } from '../parking/wake.ts';
import { InvalidInputError, readBody, type ApiCall } from '../runtime/api-call.ts';
import { pauseBody } from '../schemas/api.ts';
import { showWorkspace, workspaceIdOf, type OperatePorts } from './subject.ts';

export async function pauseWorkspace(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const written = await ports.registry.pause(workspaceId, readPause(call));
  if (written === 'absent') return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  return showWorkspace(ports, call, workspaceId);
}

export async function resumeWorkspace(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const written = await ports.registry.pause(workspaceId, undefined);
  if (written === 'absent') return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  await wake(ports, workspaceId, ports.clock.nowMs());
  return showWorkspace(ports, call, workspaceId);
}

/** A pause with its owner; one that would be over at once is a mistake. */
export function readPause(call: ApiCall): Pause {
  const { reason, until } = readBody(call, pauseBody);
  const untilMs = until === undefined ? undefined : Date.parse(until);
  if (untilMs !== undefined && untilMs <= call.now.latestMs) {
    throw new InvalidInputError([{ field: 'until', problem: 'is not in the future' }]);
  }
  return { by: call.caller.principal, reason, ...(untilMs !== undefined && { untilMs }) };
}
