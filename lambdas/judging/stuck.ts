/** Tells of workspaces that are busy without end, and of agents that have gone mute: reported, never acted on. */
import { afterLook, isMute } from '../../core/stuck.ts';
import type { Policy } from '../../core/policy.ts';
import type { Look } from '../../core/receipt.ts';
import type { Log, StoredWorkspace, WorkspaceStore } from '../ports.ts';

export interface StuckPorts {
  readonly workspaces: Pick<WorkspaceStore, 'noteUnclear'>;
  readonly log: Log;
}

/** Best effort: a note that cannot be written must not change what the caller is told. */
export async function tellIfStuck(
  ports: StuckPorts,
  workspace: StoredWorkspace,
  { facts, judgement }: Look,
  policy: Policy,
): Promise<void> {
  if (typeof workspace !== 'object') return;
  const { workspaceId } = workspace;
  if (judgement.call === 'alive' && isMute(workspace, facts.now, policy)) {
    ports.log.warn('agent mute', { workspaceId });
    ports.log.count('AgentMute');
  }
  const { write, isStuck } = afterLook(workspace, facts.probe, facts.now);
  if (isStuck) {
    ports.log.error('workspace stuck', {
      workspaceId,
      state: facts.probe.kind === 'seen' ? facts.probe.state : 'unknown',
      sinceMs: workspace.unclear?.sinceMs,
    });
    ports.log.count('WorkspaceStuck');
  }
  if (write === undefined) return;
  try {
    await ports.workspaces.noteUnclear(workspace, write === 'none' ? undefined : write);
  } catch (error) {
    ports.log.error('unclear state not noted', { workspaceId }, error);
  }
}
