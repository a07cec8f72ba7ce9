/** Where an operator's yes is waited for: a restart under mode `approve`, and the way out of a quarantine. */
import { json, problem, type Answer } from '../../core/answer.ts';
import { RESTART_DEADLINE_MS, RESUME_AFTER_MS } from '../../core/claim.ts';
import { claimView } from '../../core/view.ts';
import { wake } from '../parking/wake.ts';
import { readBody, type ApiCall } from '../runtime/api-call.ts';
import { approvalBody } from '../schemas/api.ts';
import { sendRestartOf } from './restart.ts';
import {
  changedMeanwhile,
  findWorkspace,
  isAnswer,
  showWorkspace,
  workspaceIdOf,
  type OperatePorts,
} from './subject.ts';

export async function approveRestart(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const reason = readReason(call);
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  const { claim } = found;
  if (claim?.step !== 'awaiting-approval')
    return problem('conflict', 'No restart of this workspace waits for a yes.');
  const nowMs = call.now.latestMs;
  await ports.receipts.putOrder({
    orderId: ports.ids.next(nowMs),
    workspaceId,
    what: 'approve-restart',
    by: call.caller.principal,
    reason,
    atMs: nowMs,
    token: claim.token,
  });
  // A new epoch, so that the message which waits for the yes is void, and the new one acts at once.
  const approved = {
    ...claim,
    step: 'awaiting-admission',
    epoch: claim.epoch + 1,
    deadlineMs: nowMs + RESTART_DEADLINE_MS,
  } as const;
  const advanced = await ports.workspaces.advanceClaim(workspaceId, claim, approved, {
    dueAtMs: nowMs + RESUME_AFTER_MS,
  });
  if (advanced === 'lost') return changedMeanwhile();
  ports.log.info('restart approved', { workspaceId, token: claim.token, by: call.caller.principal });
  await sendRestartOf(ports, { ...found, claim: approved });
  return json(202, { workspaceId, claim: claimView(approved) });
}

export async function releaseQuarantine(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const reason = readReason(call);
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  if (!found.quarantine) return showWorkspace(ports, call, workspaceId);
  await ports.receipts.putOrder({
    orderId: ports.ids.next(call.now.latestMs),
    workspaceId,
    what: 'release-quarantine',
    by: call.caller.principal,
    reason,
    atMs: call.now.latestMs,
    token: found.quarantine.verdictId,
  });
  const written = await ports.registry.release(workspaceId);
  if (written === 'absent') return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  ports.log.info('quarantine released', { workspaceId, by: call.caller.principal });
  const { instanceId, quarantine } = found;
  await ports.events.publish('workspace.released', {
    workspaceId,
    instanceId,
    verdictId: quarantine.verdictId,
    by: call.caller.principal,
  });
  await wake(ports, workspaceId, ports.clock.nowMs());
  return showWorkspace(ports, call, workspaceId);
}

/** A reason is welcome and not asked for: the yes itself is what was waited for. */
function readReason(call: ApiCall): string {
  return call.bodyText === '' ? '' : (readBody(call, approvalBody).reason ?? '');
}
