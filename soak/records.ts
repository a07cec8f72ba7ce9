/**
 * Three accounts of the same requests, each written by somebody else: the callers know what they sent and what they
 * were told, the agents what arrived, the ledger (as the API shows it) what became of each. The oracle compares them.
 */

/** What a caller was told, one answer after another. */
export interface ToldAnswer {
  readonly status: number;
  readonly code: string;
  readonly requestId?: string;
  readonly atMs: number;
}

export interface SentRequest {
  /** The caller's own id, which is the idempotency key everywhere. */
  readonly id: string;
  readonly workspaceId: string;
  /** Rises within a workspace, whose caller waits for the answer before it sends the next. */
  readonly seq: number;
  readonly sha256: string;
  readonly answers: ToldAnswer[];
  /** Calls that came to nothing: a broken connection, no answer in time. */
  readonly failures: string[];
  /** What `DELETE /requests/{id}` said, when the caller changed its mind. */
  cancelled?: { readonly status: number; readonly atMs: number };
}

/** One delivery as the agent saw it. */
export interface Arrival {
  readonly workspaceId: string;
  /** The Idempotency-Key. */
  readonly key: string;
  readonly requestId: string;
  readonly attempt: number;
  readonly ambiguous: boolean;
  readonly sha256: string;
  readonly atMs: number;
  readonly bootId: string;
  /** The status that was answered in full; undefined while, or because, no full answer left. */
  answered?: number;
  /** What the agent meant to do. */
  readonly meant: string;
}

/** A state of a request, seen through the API. */
export interface Sighting {
  readonly state: string;
  readonly atMs: number;
}

/** A request at the end of the run, as `GET /requests/{id}` shows it. */
export interface LedgerEntry {
  readonly requestId: string;
  readonly workspaceId: string;
  readonly state: string;
  readonly attempts: number;
  readonly expiresAtMs: number;
  readonly why?: string;
  readonly response?: { readonly status: number; readonly body: string };
}

/** What is left of a workspace in the table, the lists and the workspace itself when all has ended. */
export interface LeftOver {
  readonly workspaceId: string;
  readonly count: number;
  readonly bytes: number;
  /** As `GET /workspaces/{id}` says. */
  readonly parked: number;
  /** Ids in the list of those that wait. */
  readonly waiting: readonly string[];
  /** Ids in the lists of those that have ended, with the state that the list shows. */
  readonly ended: readonly { readonly requestId: string; readonly state: string }[];
}

export interface Accounts {
  readonly sent: readonly SentRequest[];
  readonly arrivals: readonly Arrival[];
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
  /** By requestId; a request that the API does not know is absent. */
  readonly ledger: ReadonlyMap<string, LedgerEntry>;
  readonly leftOvers: readonly LeftOver[];
  /** Messages in the queue of parked requests, and those new in its dead-letter queue. */
  readonly queue: { readonly messages: number; readonly newDeadLetters: number };
}

export const finalStates = ['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const;

export const isFinal = (state: string): boolean => finalStates.some((final) => final === state);

/** The id of a request that Defib promised to keep. */
export function promisedId({ answers }: SentRequest): string | undefined {
  return answers.find(({ status, requestId }) => status === 202 && requestId !== undefined)?.requestId;
}
