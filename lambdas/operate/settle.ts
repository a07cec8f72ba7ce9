/** Announcing a change that will restart the agent: a settle window opens, in which nothing counts as death. */
import type { Answer } from '../../core/answer.ts';
import { policyFor } from '../judging/policies.ts';
import { readBody, type ApiCall } from '../runtime/api-call.ts';
import { settleBody } from '../schemas/api.ts';
import {
  changedMeanwhile,
  findWorkspace,
  isAnswer,
  showWorkspace,
  workspaceIdOf,
  type OperatePorts,
} from './subject.ts';

export async function announceChange(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const { reason, seconds } = readBody(call, settleBody);
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  const lengthMs = seconds === undefined ? policyFor(ports.settings, found).settleWindowMs : seconds * 1000;
  const untilMs = call.now.latestMs + lengthMs;
  // A window that reaches further already stays: anchors never move back (S17).
  if (untilMs > found.settleUntilMs) {
    const written = await ports.registry.settle(found, { fromMs: call.now.latestMs, untilMs }, reason);
    if (written === 'conflict') return changedMeanwhile();
  }
  return showWorkspace(ports, call, workspaceId);
}
