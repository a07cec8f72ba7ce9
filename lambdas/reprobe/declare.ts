/**
 * Dead: by intent on the receipt, then by one conditional write that carries every guard, final only with that
 * write's outcome. What follows from it is chosen before:
 *
 *   terminated                 `gone`: nothing can start it, so no claim and no budget is spent on it
 *   stopped by a person        busy, where the policy respects that
 *   quarantined, budget spent  busy: an operator should look
 *   mode observe               recorded, and nothing done
 *   mode enforce, approve      the claim
 */
import { claimRequires, prepareClaim, type ClaimOrder } from '../../core/claim.ts';
import { isManualStop } from '../../core/manual-stop.ts';
import { MESSAGE_VERSION, type ReprobeMessage } from '../../core/messages.ts';
import { modeFor } from '../../core/mode.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { Reason } from '../../core/verdict.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { Settled } from '../ports/queues.ts';
import { conclude, finishGone, finishQuarantined, finishWithheld } from './conclude.ts';
import { finalise, type ReprobePorts } from './finalise.ts';
import type { Second } from './second.ts';

/** Long enough for another verdict to be decided, and few enough receives for the queue's 20. */
const OTHERS_WAIT_SECONDS = 5;

export async function declareDead(ports: ReprobePorts, second: Second): Promise<Settled> {
  const { message, workspace, policy, now, look, receipt } = second;
  if (workspace.evidence?.verdictId !== message.verdictId) {
    // Another verdict's evidence stands; that one will claim. This chain goes by what comes of it.
    return { kind: 'again', afterSeconds: OTHERS_WAIT_SECONDS };
  }
  const busy = (reason: Reason) => finalise(ports, { ...receipt, verdict: 'busy', reason });
  const { probe } = look.facts;
  if (policy.respectManualStop && isManualStop(probe, workspace)) return busy('stopped-by-person');
  if (workspace.quarantine) return busy('quarantined');
  const mode = modeFor(workspace.workspaceId, policy);
  const order: ClaimOrder = {
    token: message.verdictId,
    kind: look.judgement.reason === 'silent' ? 'silent' : 'dead',
    reason: look.judgement.reason,
    forced: false,
    needsApproval: mode === 'approve',
    ...(probe.kind === 'seen' && probe.launchTimeMs !== undefined && { launchTimeMs: probe.launchTimeMs }),
  };
  const finding = { verdictId: message.verdictId, atMs: now.latestMs };
  const requires = claimRequires(workspace, order, now, policy);
  await ports.receipts.put({ ...receipt, intent: 'dead' });
  if (order.reason === 'terminated') {
    const gone = { ...finding, instanceId: workspace.instanceId };
    return conclude(ports, second, { requires, sets: { as: 'gone', finding: gone } });
  }
  if (mode === 'observe') return conclude(ports, second, { requires, sets: { as: 'withheld', finding } });
  const write = prepareClaim(workspace, order, now, policy);
  if (write === 'restart-budget-spent') {
    ports.log.count('RestartBudgetSpent');
    const quarantine = { ...finding, because: write };
    return conclude(ports, second, { requires, sets: { as: 'quarantine', finding: quarantine } });
  }
  const claimed = await ports.workspaces.claim(write);
  if (claimed !== 'won') {
    ports.log.count('ClaimLost');
    return busy('claim-lost');
  }
  return sendRestart(ports, message, write.sets, { ...receipt, verdict: 'dead' });
}

export async function carryOn(
  ports: ReprobePorts,
  message: ReprobeMessage,
  workspace: Workspace,
  receipt: Receipt | undefined,
): Promise<Settled> {
  const { claim, generation } = workspace;
  if (!receipt) return { kind: 'done' };
  if (workspace.gone?.verdictId === message.verdictId) return finishGone(ports, workspace, receipt);
  if (workspace.withheld?.verdictId === message.verdictId) return finishWithheld(ports, workspace, receipt);
  if (workspace.quarantine?.verdictId === message.verdictId)
    return finishQuarantined(ports, workspace, receipt);
  if (!claim) return { kind: 'done' };
  return sendRestart(ports, message, { claim, generation }, { ...receipt, verdict: 'dead' });
}

async function sendRestart(
  ports: ReprobePorts,
  message: ReprobeMessage,
  { claim, generation }: { claim: NonNullable<Workspace['claim']>; generation: number },
  receipt: Receipt,
): Promise<Settled> {
  const { workspaceId, instanceId } = message;
  const awaitsApproval = claim.step === 'awaiting-approval';
  // First final, then the message: a run that stops between the two is resumed by the token, as long as the claim
  // is open; the other way round a quick restart could end the claim before the receipt knew of it.
  await finalise(ports, { ...receipt, act: awaitsApproval ? 'awaits-approval' : 'restart' });
  await ports.queues.sendRestart({
    v: MESSAGE_VERSION,
    kind: 'restart',
    workspaceId,
    instanceId,
    generation,
    epoch: claim.epoch,
    token: claim.token,
  });
  const detail = { workspaceId, instanceId, verdictId: claim.token, reason: claim.reason };
  await ports.events.publish('workspace.offline', detail);
  if (awaitsApproval) await ports.events.publish('restart.awaiting-approval', detail);
  return { kind: 'done' };
}
