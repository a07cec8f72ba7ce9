/** What the second look says of a trouble that lasts, kept where the callers' looks keep it too (V5, V7). */
import { saysSomething } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import type { Look } from '../../core/receipt.ts';
import type { Workspace } from '../../core/workspace.ts';
import { tellIfStuck } from '../judging/stuck.ts';
import type { ReprobePorts } from './finalise.ts';

/** Best effort: what cannot be read or kept must not change the verdict. */
export async function keepTrouble(
  { workspaces, log }: ReprobePorts,
  workspace: Workspace,
  look: Look,
  policy: Policy,
): Promise<void> {
  const { workspaceId } = workspace;
  if (!saysSomething(look.facts.probe)) return;
  try {
    const before = await workspaces.readUnclear(workspaceId);
    const { unclear } = tellIfStuck(log, workspace, before, look, policy);
    if (unclear !== before) await workspaces.noteUnclear(workspaceId, unclear);
  } catch (error) {
    log.error('unclear state not noted', { workspaceId }, error);
  }
}
