/** A dead verdict that leads to no restart: written down under the guards of a claim, then told. */
import type { Receipt } from '../../core/receipt.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { Settled } from '../ports/queues.ts';
import type { Conclusion } from '../ports/workspaces.ts';
import { detailOfGone } from '../restart/gone.ts';
import { finalise, type ReprobePorts } from './finalise.ts';
import type { Second } from './second.ts';

export async function conclude(
  ports: ReprobePorts,
  { message, workspace, receipt }: Second,
  conclusion: Pick<Conclusion, 'requires' | 'sets'>,
): Promise<Settled> {
  const { workspaceId, verdictId } = message;
  const won = await ports.workspaces.concludeDead({ workspaceId, token: verdictId, ...conclusion });
  if (won !== 'won') {
    ports.log.count('ClaimLost');
    return finalise(ports, { ...receipt, verdict: 'busy', reason: 'claim-lost' });
  }
  switch (conclusion.sets.as) {
    case 'gone':
      return finishGone(ports, workspace, receipt);
    case 'withheld':
      return finishWithheld(ports, workspace, receipt);
    case 'quarantine':
      return finishQuarantined(ports, workspace, receipt);
  }
}

/** Another verdict has found it gone, and tells so. This one ends like it, but is no second death (S18). */
export async function concludeAsGone(ports: ReprobePorts, { message, receipt }: Second): Promise<Settled> {
  await ports.workspaces.removeEvidence(message.workspaceId, message.verdictId);
  return finalise(ports, { ...receipt, verdict: 'dead', reason: 'terminated', act: 'none' });
}

/** News first: a run that stops in between finds its own finding again, and goes on from here. */
export async function finishGone(
  ports: ReprobePorts,
  workspace: Workspace,
  receipt: Receipt,
): Promise<Settled> {
  const look = (await ports.ec2.look([workspace.instanceId])).get(workspace.instanceId);
  ports.log.count('WorkspaceGone');
  await ports.events.publish('workspace.gone', {
    ...detailOfGone(workspace, look),
    verdictId: receipt.verdictId,
  });
  return finalise(ports, { ...receipt, verdict: 'dead', reason: 'terminated', act: 'none' });
}

export async function finishWithheld(
  ports: ReprobePorts,
  workspace: Workspace,
  receipt: Receipt,
): Promise<Settled> {
  const { workspaceId, instanceId } = workspace;
  const { verdictId, reason } = receipt;
  ports.log.count('RestartWithheld');
  const wouldHave = reason === 'silent' ? 'stopped and started' : 'started';
  await ports.events.publish('restart.withheld', { workspaceId, instanceId, verdictId, reason, wouldHave });
  return finalise(ports, { ...receipt, verdict: 'dead', act: 'withheld' });
}

export async function finishQuarantined(
  ports: ReprobePorts,
  { workspaceId, instanceId, recentRestartsMs }: Workspace,
  receipt: Receipt,
): Promise<Settled> {
  ports.log.count('WorkspaceQuarantined');
  await ports.events.publish('workspace.quarantined', {
    workspaceId,
    instanceId,
    verdictId: receipt.verdictId,
    reason: 'restart-budget-spent',
    restarts: recentRestartsMs.length,
  });
  return finalise(ports, { ...receipt, verdict: 'busy', reason: 'restart-budget-spent' });
}
