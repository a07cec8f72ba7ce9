/** Workspaces as operators register and change them. */
import type { WorkspaceSettings } from '../../core/policy.ts';
import type { Desired, Pause, Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from './workspaces.ts';

/** What an operator registers. */
export interface Registration {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  readonly path: string;
  readonly desired: Desired;
  readonly settings?: Partial<WorkspaceSettings>;
}

/** From when to when a workspace settles, epoch ms. */
export interface SettleWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Kept with the registrations; who reads it must still check what the workspace itself says. */
export interface InstanceIndex {
  workspacesOf(instanceId: string): Promise<readonly string[]>;
}

/** The operator's writes to a workspace. Each requires the workspace as read (its generation). */
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
