import type { Policy } from './policy.ts';
import { isUntouched, type Claim, type Heartbeat, type Workspace } from './workspace.ts';

/** What an agent sends. */
export interface Beat {
  readonly bootId: string;
  readonly seq: number;
  readonly intervalMs: number;
  readonly declaresInterval: boolean;
  readonly activeTasks: number;
  readonly busyUntilMs?: number;
}

/** An agent that says nothing of its interval beats this often. */
export const DEFAULT_INTERVAL_MS = 5000;
/** How far ahead a busy lease may reach. */
export const LONGEST_LEASE_MS = 15 * 60_000;

/** Whether the agent's last sign of life still counts. Its last millisecond is included: up to 15 s is always busy. */
export function isFresh(freshUntilMs: number, earliestMs: number): boolean {
  return freshUntilMs > 0 && earliestMs <= freshUntilMs;
}

/** Until when a beat counts: three missed intervals, never less than the fresh window, or as long as its lease. */
export function freshUntilOf(beat: Beat, atMs: number, policy: Policy): number {
  const windowMs = Math.max(policy.freshWindowMs, 3 * beat.intervalMs);
  const leaseMs = Math.min(beat.busyUntilMs ?? 0, atMs + LONGEST_LEASE_MS);
  return Math.max(atMs + windowMs, leaseMs);
}

/** Why a beat changes nothing, or how it is written. */
export type BeatDecision =
  | { readonly kind: 'same-boot' }
  | { readonly kind: 'new-boot' }
  | {
      readonly kind: 'refused';
      readonly why: 'wrong-instance' | 'replayed' | 'retired-boot' | 'before-start';
      /** It does not count, but it shows that the condemned agent lives. */
      readonly heard?: boolean;
    };

/**
 * What to do with a beat, given the workspace as it is. Bound to the instance by the session of the caller, to the
 * boot by its id, and monotone by sequence: a late, replayed or foreign beat changes nothing and says why.
 */
export function decideBeat(
  workspace: Workspace,
  beat: Beat,
  from: { instanceId: string; atMs: number },
): BeatDecision {
  if (from.instanceId !== workspace.instanceId) return { kind: 'refused', why: 'wrong-instance' };
  if (beat.bootId === workspace.retiredBootId) {
    const { heartbeat } = workspace;
    const isReplay = beat.bootId === heartbeat?.bootId && beat.seq <= heartbeat.seq;
    return {
      kind: 'refused',
      why: 'retired-boot',
      heard:
        !isReplay && (mayBeHeard(workspace.claim, beat.bootId) || contradicts(workspace.claim, beat.bootId)),
    };
  }
  if (beat.bootId === workspace.heartbeat?.bootId) {
    return beat.seq > workspace.heartbeat.seq ? { kind: 'same-boot' } : { kind: 'refused', why: 'replayed' };
  }
  if (isOver(workspace, beat, from.atMs)) return { kind: 'refused', why: 'replayed' };
  const { claim } = workspace;
  // While a restart is open, a new boot counts only once Start has succeeded: before that it cannot be its result.
  if (claim && (claim.startedAtMs === undefined || from.atMs < claim.startedAtMs)) {
    return { kind: 'refused', why: 'before-start', heard: mayBeHeard(claim, beat.bootId) };
  }
  return { kind: 'new-boot' };
}

/**
 * A beat of the boot before this one is late, and says nothing of now. Unless this one fell silent: then its first beat
 * may have been the late one, of a boot that was over, and the boot that it replaced lives and must be heard (V5). Which
 * of the two came last nobody can tell from their ids. In a restart nothing but its own result counts.
 */
function isOver(workspace: Workspace, beat: Beat, atMs: number): boolean {
  const { previousBootId, previousSeq = -1, freshUntilMs, claim } = workspace;
  if (beat.bootId !== previousBootId) return false;
  return claim !== undefined || beat.seq <= previousSeq || isFresh(freshUntilMs, atMs);
}

/** Until the first act of a restart, a beat from the instance is its agent's own word against the claim. */
function mayBeHeard(claim: Claim | undefined, bootId: string): boolean {
  if (claim === undefined || claim.heardBootId === bootId) return false;
  return isUntouched(claim);
}

/** Condemned for silence and stopped, and it beats all the same: too late to spare it, but the verdict was wrong. */
function contradicts(claim: Claim | undefined, bootId: string): boolean {
  const isStopped = claim?.step === 'stop-issued' || claim?.step === 'stop-recorded';
  return claim?.kind === 'silent' && isStopped && claim.heardBootId !== bootId;
}

/** The heartbeat as it is stored. */
export function storedBeat(beat: Beat, atMs: number): Heartbeat {
  return {
    atMs,
    seq: beat.seq,
    bootId: beat.bootId,
    intervalMs: beat.intervalMs,
    declaresInterval: beat.declaresInterval,
    activeTasks: beat.activeTasks,
    ...(beat.busyUntilMs !== undefined && {
      busyUntilMs: Math.min(beat.busyUntilMs, atMs + LONGEST_LEASE_MS),
    }),
  };
}
