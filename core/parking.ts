/** A parked request: its row in the ledger, and the limits of what is kept. */
import type { ErrorClass } from './forward-error.ts';
import type { Workspace } from './workspace.ts';

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
/** A request that is still `accepting` after this was never promised, and is ended. */
export const ACCEPTING_LIFE_MS = 60_000;

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
