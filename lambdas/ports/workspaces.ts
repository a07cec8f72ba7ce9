/** Workspaces: what is read for a verdict, and each conditional write. */
import type { ClaimWrite } from '../../core/claim.ts';
import type { Probe } from '../../core/facts.ts';
import type { Beat } from '../../core/heartbeat.ts';
import type { Claim, Evidence, Unclear, Workspace } from '../../core/workspace.ts';
import type { FirstAnswer, IdempotencyKey, KeptAnswer } from './idempotency.ts';
import type { Read } from './read.ts';
import type { RestartEnd } from './stories.ts';

/** A stored workspace as it was read; `malformed` is an item that this version cannot read. */
export type StoredWorkspace = Workspace | 'absent' | 'malformed';

export interface ProbeNote {
  readonly atMs: number;
  readonly generation: number;
  readonly probe: Probe;
  /** Since when looks have been unclear, this one included. */
  readonly unclear?: Unclear;
}

/** All that a forward error is judged by, in one read. */
export interface JudgingRead {
  readonly workspace: StoredWorkspace;
  readonly parkedCount: number;
  readonly lastProbe?: Omit<ProbeNote, 'unclear'>;
  readonly unclear?: Unclear;
  readonly firstAnswer?: FirstAnswer;
}

/** What the write of an advance requires beside the claim's own token, epoch, step and attempt (the last look). */
export interface LastLook {
  readonly generation: number;
  /** A pause must have ended by then; absent for a forced order. */
  readonly pauseEndedByMs?: number;
  /** The boot that was condemned must still be the one that beats. */
  readonly bootId?: string;
  /** No settle window may reach further than this, unless it has ended. */
  readonly settle?: { readonly untilMs: number; readonly nowMs: number };
}

/** A dead verdict without a restart, and the finding that the workspace keeps of it. */
export interface Conclusion {
  readonly workspaceId: string;
  readonly token: string;
  readonly requires: ClaimWrite['requires'];
  readonly sets:
    | { readonly as: 'gone'; readonly finding: NonNullable<Workspace['gone']> }
    | { readonly as: 'quarantine'; readonly finding: NonNullable<Workspace['quarantine']> }
    | { readonly as: 'withheld'; readonly finding: NonNullable<Workspace['withheld']> };
}

export interface WorkspaceStore {
  read(workspaceId: string): Promise<Read<StoredWorkspace>>;
  readMany(workspaceIds: readonly string[]): Promise<Read<ReadonlyMap<string, StoredWorkspace>>>;
  readForJudging(workspaceId: string, key: IdempotencyKey | undefined): Promise<Read<JudgingRead>>;
  /** Takes the right to probe for a moment (S31); false when another call has it. */
  takeProbeLease(workspaceId: string, nowMs: number, untilMs: number): Promise<boolean>;
  /** Writes evidence if the workspace is still as judged; otherwise gives the workspace as it is now. */
  putEvidence(
    judged: Workspace,
    evidence: Evidence,
    resendAtMs: number,
  ): Promise<'written' | StoredWorkspace>;
  /**
   * Removes the evidence of one verdict; where it is another's by now, or a claim's, gives the workspace as it is.
   * `declared`: that very verdict has won, and of the item nothing more can be read.
   */
  removeEvidence(workspaceId: string, verdictId: string): Promise<'removed' | 'declared' | StoredWorkspace>;
  /**
   * The claim: one conditional write that carries every guard. `lostTo` is the workspace as it was found. An order's
   * first answer is kept by the same write, so that a repeat of the call never finds the one without the other.
   */
  claim(write: ClaimWrite, firstAnswer?: KeptAnswer): Promise<'won' | { lostTo: StoredWorkspace }>;
  /** What follows from a dead verdict that leads to no claim: one conditional write that carries the same guards. */
  concludeDead(conclusion: Conclusion): Promise<'won' | { lostTo: StoredWorkspace }>;
  /** Moves a claim on, if it is still exactly as read. */
  advanceClaim(
    workspaceId: string,
    from: Claim,
    to: Claim,
    also: { dueAtMs: number; settleUntilMs?: number; stopAtMs?: number; lastLook?: LastLook },
  ): Promise<'advanced' | 'lost'>;
  /**
   * Ends a claim, if it is still exactly as read, and keeps the end for the story and for whoever tells of it, in one
   * write. `unretire` lets the condemned boot count again, `sets` keeps what the end has shown.
   */
  endClaim(
    claim: Claim,
    end: RestartEnd,
    also: {
      unretire: boolean;
      sets?: Partial<Pick<Workspace, 'gone' | 'quarantine' | 'recentRestartsMs'>>;
    },
  ): Promise<'ended' | 'lost'>;
  /** Records a beat of the known boot: one conditional write, the usual path. */
  recordBeat(workspaceId: string, beat: Beat, at: BeatStamp): Promise<BeatWrite>;
  /** Records the first beat of a new boot, if the workspace is still as read. */
  recordFirstBeat(workspace: Workspace, beat: Beat, at: BeatStamp): Promise<BeatWrite>;
  /** Notes on an open claim, before its first act, that the condemned agent was heard. */
  recordHeard(workspaceId: string, token: string, heard: { atMs: number; bootId: string }): Promise<void>;
  /** Since when its instance has been in no clear state. */
  readUnclear(workspaceId: string): Promise<Unclear | undefined>;
  /** Keeps that, or forgets it. */
  noteUnclear(workspaceId: string, unclear: Unclear | undefined): Promise<void>;
  list(limit: number, cursor: string | undefined): Promise<{ workspaces: Workspace[]; cursor?: string }>;
}

export interface BeatStamp {
  readonly instanceId: string;
  readonly atMs: number;
  readonly freshUntilMs: number;
  /** Whose fresh window it was: the fleet's is right only for a workspace without a window of its own. */
  readonly window: 'fleet' | 'own';
}

/**
 * `written` gives the workspace as it was before; `refused` as it is. `isRepeat`: the first try was done and only its
 * answer was lost, so that what was before is not known.
 */
export type BeatWrite =
  | { readonly kind: 'written'; readonly before: Workspace; readonly isRepeat?: boolean }
  | { readonly kind: 'refused'; readonly workspace: StoredWorkspace };
