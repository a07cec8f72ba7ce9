/** Workspaces as operators register and change them. */
import type { WorkspaceSettings } from '../../core/policy.ts';
import type { Desired, Pause, Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from './workspaces.ts';

export interface Registration {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  readonly path: string;
  readonly desired: Desired;
  readonly settings?: Partial<WorkspaceSettings>;
}

export interface SettleWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface InstanceIndex {
  workspacesOf(instanceId: string): Promise<readonly string[]>;
}

export interface Registry {
  register(
    registration: Registration,
    before: StoredWorkspace,
    settles: SettleWindow,
  ): Promise<'written' | 'conflict'>;
  /** Replaces an item that cannot be read, if it still is as it was read; never one of a newer version. */
  mend(registration: Registration, settles: SettleWindow): Promise<'written' | 'conflict' | 'newer-version'>;
  remove(workspace: Workspace): Promise<'removed' | 'conflict'>;
  settle(workspace: Workspace, window: SettleWindow, because: string): Promise<'written' | 'conflict'>;
  pause(workspaceId: string, pause: Pause | undefined): Promise<'written' | 'absent'>;
  /** Ends a quarantine and gives the whole restart budget back. */
  release(workspaceId: string): Promise<'written' | 'absent'>;
}
