import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';
import type { Claim, Workspace } from './workspace.ts';

/** A restart that makes no progress for this long is given up (V2). */
export const RESTART_DEADLINE_MS = 15 * 60_000;

/** A claim without progress for this long is resumed by the sweep. */
export const RESUME_AFTER_MS = 120_000;

/** Who wants a restart, and why. */
export interface ClaimOrder {
  /** The verdictId, or the id of the operator's order. */
  readonly token: string;
  readonly kind: Claim['kind'];
  readonly reason: string;
  readonly forced: boolean;
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
  const recent = restartsWithin(workspace.recentRestartsMs, now, policy);
  if (!order.forced && recent.length >= policy.restartsPerWindow) return 'restart-budget-spent';
  const { heartbeat } = workspace;
  const isVerdict = order.kind !== 'operator';
  const settleUntilMs = Math.max(workspace.settleUntilMs, now.latestMs + policy.settleWindowMs);
  // Windows must be past by the skew margin, by the earliest end of the time range: a fast clock claims nothing.
  const pastByMarginMs = now.earliestMs - policy.skewMarginMs;
  return {
    workspaceId: workspace.workspaceId,
    token: order.token,
    requires: {
      generation: workspace.generation,
      instanceId: workspace.instanceId,
      ...(heartbeat && { bootId: heartbeat.bootId }),
      ...(heartbeat && isVerdict && { seq: heartbeat.seq }),
      ...(isVerdict && { evidenceVerdictId: order.token, staleBeforeMs: pastByMarginMs }),
      ...(!order.forced && {
        settledBeforeMs: isVerdict ? pastByMarginMs : now.earliestMs,
        pauseEndedByMs: now.earliestMs,
      }),
    },
    sets: {
      claim: {
        token: order.token,
        kind: order.kind,
        reason: order.reason,
        step: 'awaiting-admission',
        attempt: 0,
        epoch: 0,
        sinceMs: now.latestMs,
        deadlineMs: now.latestMs + RESTART_DEADLINE_MS,
        instanceId: workspace.instanceId,
        forced: order.forced,
        settleUntilMs,
        ...(order.launchTimeMs !== undefined && { launchTimeMs: order.launchTimeMs }),
        ...(heartbeat && { bootId: heartbeat.bootId }),
      },
      generation: workspace.generation + 1,
      settleUntilMs,
      ...(heartbeat && { retiredBootId: heartbeat.bootId }),
      recentRestartsMs: [...recent, now.latestMs],
    },
  };
}

/** How many restarts a workspace has left in its window. */
export function restartsLeft(workspace: Workspace, now: TimeRange, policy: Policy): number {
  const used = restartsWithin(workspace.recentRestartsMs, now, policy).length;
  return Math.max(0, policy.restartsPerWindow - used);
}

function restartsWithin(restartsMs: readonly number[], now: TimeRange, policy: Policy): readonly number[] {
  return restartsMs.filter((atMs) => atMs > now.earliestMs - policy.restartWindowMs);
}
