import type { ErrorClass } from './forward-error.ts';
import { isFresh } from './heartbeat.ts';
import { assertNever } from './invariant.ts';
import type { Policy } from './policy.ts';
import { isSettling } from './settle.ts';
import type { TimeRange } from './time.ts';
import type { Reason, Verdict } from './verdict.ts';
import { isPaused, type InstanceState, type Workspace } from './workspace.ts';

/** What became of a parked request. The last five are final: reached once, never left (S24). */
export const requestStates = [
  'accepting',
  'parked',
  'delivering',
  'delivered',
  'refused',
  'expired',
  'cancelled',
  'dead-lettered',
] as const;
export type RequestState = (typeof requestStates)[number];
export type FinalState = Extract<
  RequestState,
  'delivered' | 'refused' | 'expired' | 'cancelled' | 'dead-lettered'
>;

/** Bodies larger than this are refused with 413: base64 in a 1 MiB message leaves room for no more. */
export const LARGEST_BODY_BYTES = 700 * 1024;
/** A queue message has 1 MiB; body, path and headers together must fit. */
export const LARGEST_MESSAGE_BYTES = 1024 * 1024;
/** Bodies parked for one workspace, all together. */
export const MOST_PARKED_BYTES = 64 * 1024 * 1024;
/** A response is kept up to this size. */
export const LARGEST_RESPONSE_BYTES = 256 * 1024;
/** Deliver's hold on a message; it is renewed while the delivery lasts, so that a crash costs no more than this. */
export const DELIVERY_LEASE_MS = 90_000;
/** A request that is still `accepting` after this was never promised, and is ended. */
export const ACCEPTING_LIFE_MS = 60_000;
/** A verdict that has not become final after this holds nothing back any more. */
const HELD_AT_MOST_MS = 90_000;

/** A request's row in the ledger. Its bytes are in the queue. */
export interface ParkedRequest {
  readonly requestId: string;
  readonly workspaceId: string;
  /** The principal that parked it. */
  readonly caller: string;
  /** Its own idempotency key, when it gave one. */
  readonly callersKey?: string;
  readonly state: RequestState;
  readonly attempts: number;
  readonly bodyBytes: number;
  readonly acceptedAtMs: number;
  readonly parkedAtMs?: number;
  readonly expiresAtMs: number;
  /** An earlier copy may have reached the agent. */
  readonly ambiguous: boolean;
  readonly whenDead: 'refuse' | 'park';
  readonly errorClass: ErrorClass;
  /** The verdict that holds it back. */
  readonly heldBy?: string;
  readonly enqueueNo: number;
  /** No delivery is tried before this. */
  readonly notBeforeMs?: number;
  /** Why it ended, or why the last attempt failed. */
  readonly why?: string;
  readonly finishedAtMs?: number;
}

export function isFinalState(state: RequestState): state is FinalState {
  return state !== 'accepting' && state !== 'parked' && state !== 'delivering';
}

export type DeliveryStep =
  | { readonly do: 'drop'; readonly because: string }
  | { readonly do: 'end'; readonly state: FinalState; readonly why: string }
  | { readonly do: 'defer'; readonly because: string; readonly soon: boolean }
  | { readonly do: 'attempt' };

export interface DeliveryView {
  readonly request: ParkedRequest | 'absent';
  readonly enqueueNo: number;
  readonly workspace: Workspace | 'absent' | 'malformed';
  /** The verdict that holds the request, when one does. */
  readonly holder?:
    { readonly verdict: Verdict; readonly final: boolean; readonly reason: Reason } | 'absent';
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
  // Expiry is judged by the latest end of the range: nothing is delivered that may have expired (S21).
  if (now.latestMs >= request.expiresAtMs) return { do: 'end', state: 'expired', why: 'expired' };
  if (workspace === 'malformed') return defer('workspace-unreadable');
  if (workspace === 'absent') return { do: 'end', state: 'refused', why: 'workspace-removed' };
  const held = heldStep(request, view);
  if (held) return held;
  if (now.earliestMs < (request.notBeforeMs ?? 0)) return defer('not-before');
  const unready = whyNotReady(workspace, now, view.policy);
  return unready === undefined ? { do: 'attempt' } : defer(unready);
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
  return why === undefined ? undefined : { do: 'end', state: 'refused', why };
}

/** The code by which a final verdict ends a request that it held back; undefined when it releases the request. */
export function refusalOfHeld(
  request: Pick<ParkedRequest, 'whenDead' | 'errorClass'>,
  { verdict, reason }: { readonly verdict: Verdict; readonly reason: Reason },
): string | undefined {
  switch (verdict) {
    case 'pending':
    case 'busy':
      return undefined;
    case 'dead':
      if (reason === 'terminated') return 'gone';
      return request.whenDead === 'park' ? undefined : 'dead';
    case 'alive':
      return request.errorClass === 'upstream-busy' ? undefined : request.errorClass;
    default:
      return assertNever(verdict);
  }
}

/**
 * Why a workspace may not be given a request now, or undefined when it is ready: no open claim, not paused, below
 * its active tasks, and out of its settle window or beating with the boot that opened it.
 */
export function whyNotReady(workspace: Workspace, now: TimeRange, policy: Policy): string | undefined {
  if (workspace.claim) return 'restarting';
  if (isPaused(workspace, now.earliestMs)) return 'paused';
  const { heartbeat } = workspace;
  const beatCounts = heartbeat !== undefined && isFresh(workspace.freshUntilMs, now.earliestMs);
  if (beatCounts && heartbeat.activeTasks >= policy.maxActiveTasks) return 'busy';
  if (isSettling(workspace.settleUntilMs, now.earliestMs) && !hasBeatenSinceSettling(workspace, policy)) {
    return 'settling';
  }
  return undefined;
}

function hasBeatenSinceSettling(workspace: Workspace, policy: Policy): boolean {
  const { heartbeat } = workspace;
  if (!heartbeat || heartbeat.bootId === workspace.retiredBootId) return false;
  return heartbeat.atMs >= (workspace.settleFromMs ?? workspace.settleUntilMs - policy.settleWindowMs);
}

const SHORTEST_DEFERRAL_MS = 5000;
const LONGEST_DEFERRAL_MS = 60_000;
const PATIENT_DEFERRAL_MS = 120_000;
const PATIENT_AFTER_MS = 60 * 60_000;
const SOON_MS = 2000;

/**
 * How long a deferred message stays invisible, by how long it has waited: as long again, so that the waits double from
 * 5 s to 60 s, and two minutes after the first hour (about 760 receives a day, below the queue's 1,000). `jitter` from
 * 0 to 1 takes off up to a fifth.
 */
export function deferralMs(waitedMs: number, jitter: number, soon = false): number {
  if (soon) return SOON_MS;
  const doublingMs = Math.min(Math.max(waitedMs, SHORTEST_DEFERRAL_MS), LONGEST_DEFERRAL_MS);
  const fullMs = waitedMs > PATIENT_AFTER_MS ? PATIENT_DEFERRAL_MS : doublingMs;
  return Math.round(fullMs * (1 - jitter / 5));
}

/** What an attempt at delivery came to. */
export type AttemptOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly because: 'refused' | 'reset' | 'eof' | 'deadline' | 'unreachable' }
  | { readonly kind: 'not-running'; readonly state: InstanceState | 'unknown' }
  | { readonly kind: 'address-refused'; readonly because: string };

/** Statuses of the agent by which it asks for another try. */
const tryAgainStatuses: readonly number[] = [408, 425, 429];

/** What follows from an attempt: a final state, or later again. */
export function afterAttempt(
  outcome: AttemptOutcome,
): { state: FinalState; why?: string } | { later: string } {
  switch (outcome.kind) {
    case 'answered': {
      const { status } = outcome;
      if (status >= 200 && status < 300) return { state: 'delivered' };
      const refusedForGood = status >= 400 && status < 500 && !tryAgainStatuses.includes(status);
      return refusedForGood ? { state: 'refused', why: `status-${status}` } : { later: `status-${status}` };
    }
    case 'failed':
      return { later: outcome.because };
    case 'not-running':
      return { later: `instance-${outcome.state}` };
    case 'address-refused':
      return { state: 'dead-lettered', why: outcome.because };
    default:
      return assertNever(outcome);
  }
}

function defer(because: string, soon = false): DeliveryStep {
  return { do: 'defer', because, soon };
}
