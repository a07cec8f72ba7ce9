/** Parked requests: the rows that say what became of each. */
import type { Drain } from '../../core/drain.ts';
import type { AttemptMark, FinalState, ParkedRequest } from '../../core/parking.ts';
import type { JudgedWrite } from './receipts.ts';

export interface Acceptance extends JudgedWrite {
  readonly request: ParkedRequest;
  readonly parkedMax: number;
}

/** `repeated`: the idempotency key was taken meanwhile, by this very call's twin or another's. */
export type AcceptOutcome = 'accepted' | 'full' | 'repeated';

export interface Ledger {
  /** Step 1 of parking: one transaction over receipt, first answer, request row and counters. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>;
  /** Step 3: `accepting` becomes `parked`. True also when it already was. `sequence`: what SQS said of the message. */
  markParked(request: ParkedRequest, atMs: number, sequence?: string): Promise<boolean>;
  read(requestId: string): Promise<ParkedRequest | undefined>;
  /** Marks one attempt begun, with its lease; lost when the request is final, expired or another attempt is newer. */
  beginAttempt(request: ParkedRequest, attempt: AttemptBegin): Promise<'begun' | 'lost'>;
  /** Renews an attempt's lease, as long as it is the newest one. */
  renewAttempt(request: ParkedRequest, leaseUntilMs: number): Promise<void>;
  /** Puts a request back after an attempt that came to nothing. */
  putBack(request: ParkedRequest, back: AttemptBack): Promise<void>;
  /**
   * Reaches a final state, once, and gives the counters back. The row stays due until {@link noticed}. `moved-on`: it
   * has not ended, but is no longer in the state or attempt that the end is for.
   */
  finish(request: ParkedRequest, end: FinishedRequest): Promise<Finish>;
  /** Notes that the end of a request was announced. */
  noticed(requestId: string): Promise<void>;
  /** Notes that the end of a request could not be announced, and when to try that again. */
  noticeLater(requestId: string, dueAtMs: number): Promise<void>;
  readResponse(requestId: string): Promise<KeptResponse | undefined>;
  /** How many requests wait before this one. */
  countBefore(workspaceId: string, requestId: string): Promise<number>;
  listRequests(
    workspaceId: string,
    page: { limit: number; cursor?: string; ended: boolean; newestFirst?: boolean },
  ): Promise<{ requests: ParkedRequest[]; cursor?: string }>;
  parkedCount(workspaceId: string): Promise<number>;
  headOf(workspaceId: string): Promise<QueueHead | undefined>;
  /** What is parked for a workspace, all together. */
  parkedFor(workspaceId: string): Promise<ParkedTotals>;
  /** Remembers the head's receipt handle and the history: hints, both. */
  noteHead(workspaceId: string, head: QueueHead | undefined, drain: Drain): Promise<void>;
}

export interface AttemptBegin {
  readonly nowMs: number;
  readonly leaseUntilMs: number;
  /** Whom it goes to; what it meets is not known yet. */
  readonly mark: AttemptMark;
  readonly interruptions: number;
}

export interface AttemptBack {
  readonly why: string;
  readonly ambiguous: boolean;
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly mark: AttemptMark | undefined;
}

export interface ParkedTotals {
  readonly count: number;
  readonly bytes: number;
  readonly head?: QueueHead;
  readonly drain: Drain;
  /** Since when the queue was seen to hold nothing at all. */
  readonly emptySinceMs?: number;
}

export type Finish = 'finished' | 'was-final' | 'moved-on';

export interface FinishedRequest {
  readonly state: FinalState;
  readonly why?: string;
  readonly atMs: number;
  readonly response?: KeptResponse;
  /** Only when the request is in this state. */
  readonly onlyFrom?: 'accepting' | 'parked' | 'delivering';
  /** Only when no newer attempt has begun. */
  readonly onlyAttempt?: number;
  /** Its idempotency key is free again. An end from `accepting` always frees it. */
  readonly freesKey?: boolean;
  readonly drain?: Drain;
}

export interface KeptResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
  readonly truncated: boolean;
}

export interface QueueHead {
  readonly requestId: string;
  readonly receiptHandle: string;
  readonly notBeforeMs: number;
}
