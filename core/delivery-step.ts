/** What becomes of the head of a workspace's queue: its message is dropped, ended, put off, or delivered. */
import { DEFAULT_INTERVAL_MS } from './heartbeat.ts';
import { isNeverTried, refusalOfHeld } from './held.ts';
import {
  isFinalState,
  isOfEarlierRegistration,
  mayBeWithAgent,
  type FinalState,
  type ParkedRequest,
} from './parking.ts';
import type { Policy } from './policy.ts';
import { whyNotReady } from './readiness.ts';
import type { TimeRange } from './time.ts';
import type { Reason, Verdict } from './verdict.ts';
import type { Workspace } from './workspace.ts';

/**
 * A message that was received this often is given up, with its bytes kept: the queue itself throws one away at 1,000, and
 * the bytes with it.
 */
const MOST_RECEIVES = 900;
/** A verdict that has not become final after this holds nothing back any more. */
const HELD_AT_MOST_MS = 90_000;

export type DeliveryStep =
  | { readonly do: 'drop'; readonly because: string }
  | {
      readonly do: 'end';
      readonly state: FinalState;
      readonly why: string;
      /** Whether its idempotency key is free again: see {@link isKeyFreed}. */
      readonly freesKey?: boolean;
    }
  | {
      readonly do: 'defer';
      readonly because: string;
      readonly soon: boolean;
      /** When it is to be looked at again; absent: by how long it has waited. */
      readonly untilMs?: number;
    }
  | { readonly do: 'attempt' };

export interface DeliveryView {
  readonly request: ParkedRequest | 'absent';
  readonly enqueueNo: number;
  /** How often its message was received, this time included. */
  readonly receives: number;
  readonly workspace: Workspace | 'absent' | 'malformed';
  /** The verdict that holds the request, when one does. */
  readonly holder?:
    { readonly verdict: Verdict; readonly final: boolean; readonly reason: Reason } | 'absent';
  /** The pace after a recovery: nothing is delivered before this. */
  readonly rampUntilMs?: number;
  readonly now: TimeRange;
  readonly policy: Policy;
}

/** What deliver does with the head of a workspace's queue, before it looks at the instance. */
export function nextDeliveryStep(view: DeliveryView): DeliveryStep {
  const { request, workspace, now } = view;
  if (request === 'absent') return { do: 'drop', because: 'no-row' };
  if (isFinalState(request.state)) return { do: 'drop', because: request.state };
  if (request.enqueueNo !== view.enqueueNo) return { do: 'drop', because: 'other-enqueue' };
  if (request.state === 'accepting') return defer('accepting', true);
  // Another copy of this message is at it: a second delivery would be a duplicate that nobody needs (S22).
  if (request.state === 'delivering' && now.earliestMs < (request.leaseUntilMs ?? 0))
    return deferUntil('in-delivery', request.leaseUntilMs);
  // By the earliest end: a clock that is ahead must not end what was promised for longer (V1).
  if (now.earliestMs >= request.expiresAtMs) return { do: 'end', state: 'expired', why: 'expired' };
  if (view.receives >= MOST_RECEIVES) return { do: 'end', state: 'dead-lettered', why: 'received-too-often' };
  if (workspace === 'malformed') return defer('workspace-unreadable');
  if (workspace === 'absent' || isOfEarlierRegistration(request, workspace))
    return { do: 'end', state: 'refused', why: 'workspace-removed' };
  if (request.onAmbiguous === 'refuse' && mayBeWithAgent(request))
    return { do: 'end', state: 'refused', why: 'ambiguous' };
  const held = heldStep(request, view);
  if (held) return held;
  if (now.earliestMs < (request.notBeforeMs ?? 0)) return deferUntil('not-before', request.notBeforeMs);
  const unready = whyNotReady(workspace, now, view.policy);
  if (unready !== undefined) return defer(unready);
  // By the latest end: nothing is delivered that may have expired (S21). A later look knows, or the sweep ends it.
  if (now.latestMs >= request.expiresAtMs) return defer('expiring', true);
  return isPaced(view) ? deferUntil('ramp', view.rampUntilMs) : { do: 'attempt' };
}

/** No step of the pace is longer than a heartbeat: a time beyond that was written by a clock that was ahead (V3). */
function isPaced({ rampUntilMs = 0, now, policy }: DeliveryView): boolean {
  if (now.earliestMs >= rampUntilMs) return false;
  return rampUntilMs - now.earliestMs <= DEFAULT_INTERVAL_MS + policy.skewMarginMs;
}

/** A request of a pending verdict is released or ended by it; a verdict that never came releases it too. */
function heldStep(
  request: ParkedRequest,
  // Stryker disable next-line StringLiteral: no text has a `final`
  { holder = 'absent', now }: DeliveryView,
): DeliveryStep | undefined {
  if (request.heldBy === undefined) return undefined;
  // Stryker disable next-line ConditionalExpression,StringLiteral: no text has a `final`; asked for the types
  if (holder === 'absent' || !holder.final) {
    const waitedMs = now.earliestMs - request.acceptedAtMs;
    return waitedMs > HELD_AT_MOST_MS ? undefined : defer('held', true);
  }
  const why = refusalOfHeld(request, holder);
  return why === undefined
    ? undefined
    : { do: 'end', state: 'refused', why, freesKey: isNeverTried(request) };
}

function defer(because: string, soon = false): DeliveryStep {
  return { do: 'defer', because, soon };
}

function deferUntil(because: string, untilMs: number | undefined): DeliveryStep {
  return untilMs === undefined ? defer(because) : { do: 'defer', because, soon: false, untilMs };
}
