/** What the sweep finds. */
import type { Workspace } from '../../core/workspace.ts';
import type { Read } from './read.ts';

/** The lists of what is due. */
export const dueLists = [
  /** Workspaces under suspicion whose second look may have been lost. */
  'evidence',
  /** Workspaces with an open claim. */
  'workspaces',
  /** Workspaces with parked requests that were not looked at for a while. */
  'parked',
  /** Requests past their time, or whose end was not announced. */
  'requests',
  /** Ends of restarts of which nobody was told. */
  'restartEnds',
] as const;
export type DueList = (typeof dueLists)[number];

/** The id of a workspace or of a request; of a restart's end its token, too. */
export interface DueRow {
  readonly id: string;
  readonly token?: string;
}

/** Where a page begins. */
export type DueMark = Readonly<Record<string, unknown>>;

export interface DuePage extends Read<DueRow[]> {
  /** The next page's; absent when there is none. */
  readonly next?: DueMark;
}

/** What the sweep finds: rows whose time has come. From an index, so each is read again before anything is done. */
export interface DueWork {
  /** A page of a list, by due time. */
  due(list: DueList, nowMs: number, page: { limit: number; from?: DueMark }): Promise<DuePage>;
  /** Puts a row off that still is where it was found. Nothing else of it is read or changed, so it may be any. */
  putOff(list: DueList, row: DueRow, at: { nowMs: number; dueAtMs: number }): Promise<void>;
  /** Sets when what is parked for a workspace is looked at again; never, when nothing is parked. */
  postponeParked(
    workspaceId: string,
    at: { dueAtMs: number; emptySinceMs: number | undefined },
  ): Promise<void>;
  /** Sets when a workspace is to be looked at again, raising the claim's epoch when there is one. */
  postponeWorkspace(workspace: Workspace, dueAtMs: number): Promise<'postponed' | 'lost'>;
}
