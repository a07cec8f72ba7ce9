/** Tells of workspaces that are busy without end, and of agents that have gone mute: reported, never acted on. */
import { afterLook, isMute } from '../../core/stuck.ts';
import type { Policy } from '../../core/policy.ts';
import type { Look } from '../../core/receipt.ts';
import type { Unclear, Workspace } from '../../core/workspace.ts';
import type { Log } from '../ports/log.ts';

/** Tells of it, and gives what is to be kept for the next look, which begins with what was known `before`. */
export function tellIfStuck(
  log: Log,
  workspace: Workspace,
  before: Unclear | undefined,
  { facts, judgement }: Look,
  policy: Policy,
): { readonly unclear?: Unclear } {
  const { workspaceId } = workspace;
  if (judgement.call === 'alive' && isMute(workspace, facts.now, policy)) {
    log.warn('agent mute', { workspaceId });
    log.count('AgentMute');
  }
  const { unclear, isStuck } = afterLook(workspace, before, facts.probe, facts.now);
  if (isStuck) {
    log.error('workspace stuck', {
      workspaceId,
      state: facts.probe.kind === 'seen' ? facts.probe.state : 'unknown',
      sinceMs: unclear?.sinceMs,
    });
    log.count('WorkspaceStuck');
  }
  return unclear ? { unclear } : {};
}
