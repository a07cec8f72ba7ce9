import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';
import type { Claim, Workspace } from './workspace.ts';

/** A restart that makes no progress for this long is given up (V2). */
export const RESTART_DEADLINE_MS = 15 * 60_000;

/** A start that meets no capacity, or throttling, is tried for this long from the claim's begin (V4). */
export const CAPACITY_DEADLINE_MS = 60 * 60_000;

/** The longest pause between two tries while there is no capacity, but for its jitter of a fifth. */
export const LONGEST_CAPACITY_WAIT_MS = 5 * 60_000;

/** Restarts of one workspace that follow each other wait, from the second on, this many times longer each. */
const BACK_OFF_GROWTH = 4;
const LONGEST_BACK_OFF_MS = 15 * 60_000;
/** How many restarts in a row are kept beyond what the budget needs; the item must stay below a kilobyte. */
const RESTARTS_KEPT = 8;

/** A claim without progress for this long is resumed by the sweep. */
export const RESUME_AFTER_MS = 120_000;

/** Who wants a restart, and why. */
export interface ClaimOrder {
  /** The verdictId, or the id of the operator's order. */
  readonly token: string;
  readonly kind: Claim['kind'];
  readonly reason: string;
  readonly forced: boolean;
  /** The restart waits for an operator's yes. */
  readonly needsApproval?: boolean;
  /** LaunchTime of the boot that is condemned. */
  readonly launchTimeMs?: number;
}

/**
 * The claim as data: what the one conditional write requires, and what it sets. The store turns it into one
 * UpdateItem; there is no other way to a restart.
 */
export interface ClaimWrite {
  readonly workspaceId: string;
  readonly token: string;
  readonly requires: {
    readonly generation: number;
    readonly instanceId: string;
    /** The verdict's own evidence must still stand; an operator's order needs none. */
    readonly evidenceVerdictId?: string;
    /** (bootId, seq) as judged: any beat since voids the claim without a clock (S3). */
    readonly bootId?: string;
    readonly seq?: number;
    /** The settle window must have ended before this (S2). Absent for a forced order. */
    readonly settledBeforeMs?: number;
    /** The last sign of life must have gone stale before this (S1). Absent for an operator's order. */
    readonly staleBeforeMs?: number;
    /** A pause must have expired before this (S12). Absent for a forced order. */
    readonly pauseEndedByMs?: number;
    /** No quarantine. Only a forced order passes one. */
    readonly notQuarantined?: true;
  };
  readonly sets: {
    readonly claim: Claim;
    readonly generation: number;
    readonly settleUntilMs: number;
    readonly retiredBootId?: string;
    readonly recentRestartsMs: readonly number[];
  };
}

/** The claim for a workspace as it was judged, or why there may be none. */
export function prepareClaim(
  workspace: Workspace,
  order: ClaimOrder,
  now: TimeRange,
  policy: Policy,
): ClaimWrite | 'restart-budget-spent' {
  if (!order.forced && restartsLeft(workspace, now, policy) === 0) return 'restart-budget-spent';
  const { heartbeat } = workspace;
  const inARow = restartsInARow(workspace.recentRestartsMs, now, policy);
  const settleUntilMs = Math.max(workspace.settleUntilMs, now.latestMs + policy.settleWindowMs);
  const waitUntilMs = order.kind === 'operator' ? 0 : backOffUntilMs(inARow, policy);
  return {
    workspaceId: workspace.workspaceId,
    token: order.token,
    requires: claimRequires(workspace, order, now, policy),
    sets: {
      claim: {
        token: order.token,
        kind: order.kind,
        reason: order.reason,
        step: order.needsApproval ? 'awaiting-approval' : 'awaiting-admission',
        attempt: 0,
        epoch: 0,
        sinceMs: now.latestMs,
        deadlineMs: Math.max(now.latestMs, waitUntilMs) + RESTART_DEADLINE_MS,
        instanceId: workspace.instanceId,
        forced: order.forced,
        settleUntilMs,
        ...(waitUntilMs > now.earliestMs && { notBeforeMs: waitUntilMs, waitsFor: 'back-off' }),
        ...(order.launchTimeMs !== undefined && { launchTimeMs: order.launchTimeMs }),
        ...(heartbeat && { bootId: heartbeat.bootId }),
      },
      generation: workspace.generation + 1,
      settleUntilMs,
      ...(heartbeat && { retiredBootId: heartbeat.bootId }),
      recentRestartsMs: [...inARow, now.latestMs].slice(-Math.max(RESTARTS_KEPT, policy.restartsPerWindow)),
    },
  };
}

/** The guards of a claim. What is concluded from a dead verdict without a claim passes the very same ones. */
export function claimRequires(
  workspace: Workspace,
  order: Pick<ClaimOrder, 'token' | 'kind' | 'forced'>,
  now: TimeRange,
  policy: Policy,
): ClaimWrite['requires'] {
  const { heartbeat } = workspace;
  const isVerdict = order.kind !== 'operator';
  // Windows must be past by the skew margin, by the earliest end of the time range: a fast clock claims nothing.
  const pastByMarginMs = now.earliestMs - policy.skewMarginMs;
  return {
    generation: workspace.generation,
    instanceId: workspace.instanceId,
    ...(heartbeat && { bootId: heartbeat.bootId }),
    ...(heartbeat && isVerdict && { seq: heartbeat.seq }),
    ...(isVerdict && { evidenceVerdictId: order.token, staleBeforeMs: pastByMarginMs }),
    ...(!order.forced && {
      notQuarantined: true,
      settledBeforeMs: isVerdict ? pastByMarginMs : now.earliestMs,
      pauseEndedByMs: now.earliestMs,
    }),
  };
}

/** How many restarts a workspace has left in its window. */
export function restartsLeft(
  { recentRestartsMs }: Pick<Workspace, 'recentRestartsMs'>,
  now: TimeRange,
  policy: Policy,
): number {
  const used = recentRestartsMs.filter((atMs) => atMs > now.earliestMs - policy.restartWindowMs).length;
  return Math.max(0, policy.restartsPerWindow - used);
}

/** The restarts since the workspace was last healthy for a whole restart window: then all is forgiven. */
function restartsInARow(restartsMs: readonly number[], now: TimeRange, policy: Policy): readonly number[] {
  const lastMs = restartsMs.at(-1) ?? 0;
  return lastMs > now.earliestMs - policy.restartWindowMs ? restartsMs : [];
}

/** The first restart is made at once; each one after it waits longer, counted from the one before. */
function backOffUntilMs(inARow: readonly number[], policy: Policy): number {
  const last = inARow.at(-1);
  if (last === undefined) return 0;
  const waitMs = policy.settleWindowMs * BACK_OFF_GROWTH ** (inARow.length - 1);
  return last + Math.min(waitMs, LONGEST_BACK_OFF_MS);
}
