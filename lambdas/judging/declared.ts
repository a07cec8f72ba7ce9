/** Whether a verdict has been through the one conditional write that makes it what it is. */
import { isDeclaredDead } from '../../core/declared.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';

/** An earlier run of its message stopped before all was done that follows from the write. */
export function isDeclared(workspace: Workspace, verdictId: string): boolean {
  return isDeclaredDead(workspace, verdictId) || workspace.quarantine?.verdictId === verdictId;
}

/** The same of what was found there: nobody, or that it was declared in words that cannot be read otherwise. */
export function foundDeclaredDead(
  found: 'removed' | 'declared' | StoredWorkspace,
  verdictId: string,
): boolean {
  return found === 'declared' || (typeof found === 'object' && isDeclaredDead(found, verdictId));
}
