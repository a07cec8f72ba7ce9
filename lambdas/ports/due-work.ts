/** What the sweep finds. */
import type { Workspace } from '../../core/workspace.ts';
import type { Read } from './read.ts';

/** What the sweep finds: rows whose time has come. From an index, so each is read again before anything is done. */
export interface DueWork {
  dueWorkspaces(nowMs: number, limit: number): Promise<Read<string[]>>;
  dueRequests(nowMs: number, limit: number): Promise<Read<string[]>>;
  /** Ends of restarts of which nobody was told. */
  dueRestartEnds(nowMs: number, limit: number): Promise<Read<{ workspaceId: string; token: string }[]>>;
  /** Workspaces with parked requests that were not looked at for a while. */
  dueParked(nowMs: number, limit: number): Promise<Read<string[]>>;
  /** Sets when what is parked for a workspace is looked at again; never, when nothing is parked. */
  postponeParked(
    workspaceId: string,
    at: { dueAtMs: number; emptySinceMs: number | undefined },
  ): Promise<void>;
  /** Sets when a workspace is to be looked at again, raising the claim's epoch when there is one. */
  postponeWorkspace(workspace: Workspace, dueAtMs: number): Promise<'postponed' | 'lost'>;
}
