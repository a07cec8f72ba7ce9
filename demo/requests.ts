/** What the demo knows of each request that a caller sent, from sending to its end. */
import { createHash } from 'node:crypto';

import type { ForwardError } from '../core/forward-error.ts';
import type { ParkedRequest, ReportAnswer } from './defib.ts';

export interface SentRequest {
  /** The caller's own id, which is the idempotency key everywhere. */
  readonly id: string;
  readonly workspaceId: string;
  readonly body: Buffer;
  readonly sha256: string;
  readonly sentAtMs: number;
  /** The agent's own answer, when the forward went through. */
  answeredStatus?: number;
  /** How the forward failed. */
  error?: ForwardError;
  /** What Defib said of the failure, and so the caller was told. */
  answer?: ReportAnswer;
  /** Why the caller got no answer at all. */
  unanswered?: string;
  /** What became of it in the ledger, once that is final. */
  end?: Pick<ParkedRequest, 'state' | 'attempts' | 'why'>;
}

export function newRequest(id: string, workspaceId: string, body: Buffer, sentAtMs: number): SentRequest {
  return { id, workspaceId, body, sha256: createHash('sha256').update(body).digest('hex'), sentAtMs };
}

/** Defib's id of a request that it promised to keep. */
export function parkedIdOf(request: SentRequest): string | undefined {
  return request.answer?.status === 202 ? request.answer.requestId : undefined;
}

/** Whether its caller has been told something. */
export function isAnswered({ answeredStatus, answer, unanswered }: SentRequest): boolean {
  return answeredStatus !== undefined || answer !== undefined || unanswered !== undefined;
}

/** Promised, and not yet at its end. */
export function isOpen(request: SentRequest): boolean {
  return parkedIdOf(request) !== undefined && request.end === undefined;
}
