/** Whether a verdict has been through the one conditional write that makes it what it is. */
import type { Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';

/** An earlier run of its message stopped before all was done that follows from the write. */
export function isDeclared(workspace: Workspace, verdictId: string): boolean {
  return isDeclaredDead(workspace, verdictId) || workspace.quarantine?.verdictId === verdictId;
}

/** Declared dead: whoever thinks otherwise of this verdict comes too late, and what was won stands (S27). */
export function isDeclaredDead(found: 'removed' | 'declared' | StoredWorkspace, verdictId: string): boolean {
  if (found === 'declared') return true;
  if (typeof found !== 'object') return false;
  const { claim, gone, withheld } = found;
  return [claim?.token, gone?.verdictId, withheld?.verdictId].includes(verdictId);
}
