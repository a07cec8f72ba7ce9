import type { ErrorClass } from './forward-error.ts';
import { DEFAULT_INTERVAL_MS, isFresh } from './heartbeat.ts';
import { assertNever } from './invariant.ts';
import type { Policy } from './policy.ts';
import { isSettling } from './settle.ts';
import type { TimeRange } from './time.ts';
import type { Reason, Verdict } from './verdict.ts';
import { goneOf, isPaused, type Workspace } from './workspace.ts';

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
/** A queue message has 1 MiB; body, path and headers together must fit, and once more with the handle they came by. */
export const LARGEST_MESSAGE_BYTES = 1024 * 1024 - 4096;
/** Bodies parked for one workspace, all together. */
export const MOST_PARKED_BYTES = 64 * 1024 * 1024;
/** A response is kept up to this size. */
export const LARGEST_RESPONSE_BYTES = 256 * 1024;
/** Deliver's hold on a message; it is renewed while the delivery lasts, so that a crash costs no more than this. */
export const DELIVERY_LEASE_MS = 90_000;
/**
 * A message that was received this often is given up, with its bytes kept: the queue itself throws one away at 1,000, and
 * the bytes with it.
 */
const MOST_RECEIVES = 900;
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
  /** Its message's place in the group, as SQS numbers it. */
  readonly sequence?: string;
  readonly expiresAtMs: number;
  /** An earlier copy may have reached the agent. */
  readonly ambiguous: boolean;
  readonly whenDead: 'refuse' | 'park';
  /** Whether a second copy may go to the agent when an earlier one may have arrived. Absent: it may. */
  readonly onAmbiguous?: 'retry' | 'refuse';
  readonly errorClass: ErrorClass;
  /** The workspace's generation when the request was accepted: an older registration's requests are not a newer one's. */
  readonly generation?: number;
  /** The verdict that holds it back. */
  readonly heldBy?: string;
  readonly enqueueNo: number;
  /** No delivery is tried before this. */
  readonly notBeforeMs?: number;
  /** Until then an attempt is under way, and no other one begins. */
  readonly leaseUntilMs?: number;
  /** Attempts that failed at the agent itself. */
  readonly failures?: number;
  /** What the last attempt met. */
  readonly lastAttempt?: AttemptMark;
  /** Restarts in a row that this request was in flight at. */
  readonly interruptions?: number;
  /** The dead letter that this request was made from. */
  readonly redriveOf?: string;
  /** The request that was made from this dead letter. */
  readonly redrivenAs?: string;
  /** Why it ended, or why the last attempt failed. */
  readonly why?: string;
  readonly finishedAtMs?: number;
}

/** The agent that an attempt went to, and whether it answered. */
export interface AttemptMark {
  readonly answered: boolean;
  readonly launchTimeMs?: number;
  readonly bootId?: string;
}

export function isFinalState(state: RequestState): state is FinalState {
  return state !== 'accepting' && state !== 'parked' && state !== 'delivering';
}

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

/** A workspace that was removed and registered anew is another one: nothing that was meant for the old reaches it (S20). */
export function isOfEarlierRegistration(
  request: Pick<ParkedRequest, 'generation'>,
  workspace: Pick<Workspace, 'firstGeneration'>,
): boolean {
  return (request.generation ?? Infinity) < (workspace.firstGeneration ?? 0);
}

/** Whether an earlier copy may have reached the agent: told so, or found in the middle of an attempt. */
export function mayBeWithAgent(request: Pick<ParkedRequest, 'ambiguous' | 'state'>): boolean {
  return request.ambiguous || request.state === 'delivering';
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

/**
 * A verdict that refuses what it held back takes the promise back, and the request's key with it: who comes again is judged
 * anew, or the caller of a dead workspace would hear for a day of a promise that is none (V3). Where an attempt was made an
 * agent may have it, and a second copy must not be parked.
 */
export function isNeverTried({ attempts }: Pick<ParkedRequest, 'attempts'>): boolean {
  return attempts === 0;
}

/** Whether the end of a request has freed its key, so that nothing is owed to a repeat of its call. */
export function isKeyFreed(request: Pick<ParkedRequest, 'state' | 'why' | 'attempts'>): boolean {
  const { state, why = '' } = request;
  return why === 'never-accepted' || (state === 'refused' && isNeverTried(request) && refusals.includes(why));
}
const refusals: readonly string[] = ['dead', 'gone', 'agent-restarting', 'unreachable', 'upstream-error'];

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
 * Why a workspace may not be given a request now, or undefined when it is ready: no open claim, not gone, not paused, below
 * its active tasks, and out of its settle window or beating with the boot that opened it.
 */
export function whyNotReady(workspace: Workspace, now: TimeRange, policy: Policy): string | undefined {
  if (workspace.claim) return 'restarting';
  // Told already, and by whom it is replaced is for others: to look and to report again would only tell it again (S18).
  if (goneOf(workspace)) return 'gone';
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

function defer(because: string, soon = false): DeliveryStep {
  return { do: 'defer', because, soon };
}

function deferUntil(because: string, untilMs: number | undefined): DeliveryStep {
  return untilMs === undefined ? defer(because) : { do: 'defer', because, soon: false, untilMs };
}
