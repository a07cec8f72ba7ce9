/**
 * What Defib knows of how a workspace drains its parked requests: the pace after a recovery, and the history that an
 * estimate is made from. Hints, all of it: no promise rests on them, and a lost write costs only a guess.
 */
import type { TimeRange } from './time.ts';

export interface Drain {
  /** Since when deliveries wait for the workspace. */
  readonly unreadySinceMs?: number;
  /** How long it took lately from unready to the first delivery. */
  readonly recoveryMs?: number;
  /** How long a delivered request took lately. */
  readonly turnMs?: number;
  readonly ramp?: Ramp;
  /** The place in the group of the message of this workspace that was received last: all before it are gone. */
  readonly receivedSequence?: string;
  /** When deliver last had a message of this workspace in its hands. */
  readonly receivedAtMs?: number;
  /** When the next one was to be received: the end of its deferral, or at once when the one before it had ended. */
  readonly nextDueAtMs?: number;
}

/** Steps of 1, 2, 4 ... requests; between two steps the agent has the time of one beat to say that it is full. */
export interface Ramp {
  readonly step: number;
  readonly left: number;
  readonly notBeforeMs: number;
}

/** Beyond a step this large the pace is the agent's own. */
const LARGEST_STEP = 64;
/** The share of the newest value in a running mean. */
const NEWEST_SHARE = 0.3;

/** The workspace could not be given a request: when it can again, it begins with one. */
export function drainWhenUnready(drain: Drain, nowMs: number): Drain {
  return {
    ...drain,
    unreadySinceMs: drain.unreadySinceMs ?? nowMs,
    ramp: { step: 1, left: 1, notBeforeMs: 0 },
  };
}

/** A request was delivered. `pauseMs`: the time of one beat. */
export function drainWhenDelivered(
  { unreadySinceMs, ...drain }: Drain,
  turn: { readonly beganMs: number; readonly endedMs: number; readonly pauseMs: number },
): Drain {
  const ramp = drain.ramp && rampWhenDelivered(drain.ramp, turn);
  const recoveryMs =
    unreadySinceMs === undefined
      ? drain.recoveryMs
      : meanOf(drain.recoveryMs, Math.max(0, turn.beganMs - unreadySinceMs));
  const { ramp: _done, ...rest } = drain;
  return {
    ...rest,
    ...(ramp && { ramp }),
    ...(recoveryMs !== undefined && { recoveryMs }),
    turnMs: meanOf(drain.turnMs, Math.max(0, turn.endedMs - turn.beganMs)),
  };
}

function rampWhenDelivered(
  { step, left, notBeforeMs }: Ramp,
  { endedMs, pauseMs }: { readonly endedMs: number; readonly pauseMs: number },
): Ramp | undefined {
  if (left > 1) return { step, left: left - 1, notBeforeMs };
  const next = step * 2;
  return next > LARGEST_STEP ? undefined : { step: next, left: next, notBeforeMs: endedMs + pauseMs };
}

function meanOf(before: number | undefined, newest: number): number {
  return Math.round(before === undefined ? newest : before + (newest - before) * NEWEST_SHARE);
}

export interface Estimate {
  readonly atMs: number;
  readonly turnMs: number;
  readonly recoveryMs: number;
}

/**
 * When a parked request will probably be delivered, by the workspace's own history; undefined without one. An honest
 * guess: turns before it, and what is left of the usual recovery when the workspace is waited for.
 */
export function estimateOf(drain: Drain, position: number, now: TimeRange): Estimate | undefined {
  const { turnMs, recoveryMs = 0, unreadySinceMs } = drain;
  if (turnMs === undefined) return undefined;
  const leftMs = unreadySinceMs === undefined ? 0 : Math.max(0, unreadySinceMs + recoveryMs - now.latestMs);
  return { atMs: now.latestMs + leftMs + position * turnMs, turnMs, recoveryMs: leftMs };
}
