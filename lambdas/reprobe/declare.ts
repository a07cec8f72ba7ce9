/** Dead: by intent on the receipt, by permission through the claim, final only with the claim's outcome. */
import { prepareClaim } from '../../core/claim.ts';
import { MESSAGE_VERSION, type ReprobeMessage } from '../../core/messages.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { Settled } from '../ports.ts';
import { finalise, type ReprobePorts } from './finalise.ts';
import type { Second } from './handle.ts';

/** Long enough for another verdict to be decided, and few enough receives for the queue's 20. */
const OTHERS_WAIT_SECONDS = 5;

export async function declareDead(ports: ReprobePorts, second: Second): Promise<Settled> {
  const { message, workspace, policy, now, look, receipt } = second;
  if (workspace.evidence?.verdictId !== message.verdictId) {
    // Another verdict's evidence stands; that one will claim. This chain goes by what comes of it.
    return { kind: 'again', afterSeconds: OTHERS_WAIT_SECONDS };
  }
  await ports.receipts.put({ ...receipt, intent: 'dead' });
  const { probe } = look.facts;
  const write = prepareClaim(
    workspace,
    {
      token: message.verdictId,
      kind: look.judgement.reason === 'silent' ? 'silent' : 'dead',
      reason: look.judgement.reason,
      forced: false,
      ...(probe.kind === 'seen' && probe.launchTimeMs !== undefined && { launchTimeMs: probe.launchTimeMs }),
    },
    now,
    policy,
  );
  if (write === 'restart-budget-spent') {
    ports.log.count('RestartBudgetSpent');
    return finalise(ports, { ...receipt, verdict: 'busy', reason: 'restart-budget-spent' });
  }
  const claimed = await ports.workspaces.claim(write);
  if (claimed !== 'won') {
    ports.log.count('ClaimLost');
    return finalise(ports, { ...receipt, verdict: 'busy', reason: 'claim-lost' });
  }
  return sendRestart(ports, message, write.sets, { ...receipt, verdict: 'dead' });
}

/** Our own claim stands already: an earlier run of this message won it and stopped before it was through. */
export async function carryOn(
  ports: ReprobePorts,
  message: ReprobeMessage,
  workspace: Workspace & { claim?: NonNullable<Workspace['claim']> },
  receipt: Receipt | undefined,
): Promise<Settled> {
  const { claim, generation } = workspace;
  if (!claim || !receipt) return { kind: 'done' };
  return sendRestart(ports, message, { claim, generation }, { ...receipt, verdict: 'dead' });
}

async function sendRestart(
  ports: ReprobePorts,
  message: ReprobeMessage,
  { claim, generation }: { claim: NonNullable<Workspace['claim']>; generation: number },
  receipt: Receipt,
): Promise<Settled> {
  const { workspaceId, instanceId } = message;
  // First final, then the message: a run that stops between the two is resumed by the token, as long as the claim
  // is open; the other way round a quick restart could end the claim before the receipt knew of it.
  await finalise(ports, receipt);
  await ports.queues.sendRestart({
    v: MESSAGE_VERSION,
    kind: 'restart',
    workspaceId,
    instanceId,
    generation,
    epoch: claim.epoch,
    token: claim.token,
  });
  await ports.events.publish('workspace.offline', {
    workspaceId,
    instanceId,
    verdictId: claim.token,
    reason: claim.reason,
  });
  return { kind: 'done' };
}
