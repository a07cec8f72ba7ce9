import type { ErrorClass } from './forward-error.ts';
import { assertNever } from './invariant.ts';
import { isoTime } from './time.ts';
import { reasonMeaning, type Reason, type Verdict } from './verdict.ts';

/** Stable codes of the HTTP contract, each with its status. Programs read these, never the text. */
export const codeStatus = {
  'invalid-input': 400,
  forbidden: 403,
  'wrong-instance': 403,
  'unknown-workspace': 404,
  'unknown-request': 404,
  'unknown-verdict': 404,
  'no-route': 404,
  conflict: 409,
  'idempotency-conflict': 409,
  paused: 409,
  settling: 409,
  restarting: 409,
  'restart-budget-spent': 409,
  quarantined: 409,
  'too-large': 413,
  'parked-full': 429,
  unreachable: 502,
  'upstream-error': 502,
  dead: 503,
  gone: 503,
  busy: 503,
  'agent-restarting': 503,
  'parking-failed': 503,
  'ec2-unavailable': 503,
  unavailable: 503,
} as const;
export type Code = keyof typeof codeStatus;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for an answer without a body. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Where a verdict may be read. */
export function verdictLocation(workspaceId: string, verdictId: string): string {
  return `/workspaces/${encodeURIComponent(workspaceId)}/verdicts/${verdictId}`;
}

/** An error as RFC 9457 problem+json. `extra` adds the members that a code has of its own. */
export function problem(
  code: Code,
  detail: string,
  extra: Readonly<Record<string, unknown>> & { readonly retryAfterSeconds?: number } = {},
): Answer {
  const status = codeStatus[code];
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(extra.retryAfterSeconds !== undefined && { 'retry-after': String(extra.retryAfterSeconds) }),
    },
    body: { type: `urn:defib:problem:${code}`, title: titleOf(code), status, code, detail, ...extra },
  };
}

/** A plain JSON answer. */
export function json(
  status: number,
  body: Readonly<Record<string, unknown>>,
  headers: Record<string, string> = {},
): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Seconds after which a caller should come back, by outcome. */
export const retryAfterSeconds = {
  pending: 2,
  busy: 5,
  restarting: 10,
  agentRestarting: 5,
  parkingFailed: 5,
  parkedFull: 10,
} as const;

/** A judged forward error, ready to be answered. */
export interface Judged {
  readonly workspaceId: string;
  readonly verdictId: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly errorClass: ErrorClass;
  readonly upstreamStatus?: number;
  /** The request's place in the queue, when it was parked. */
  readonly parked?: { readonly requestId: string; readonly position: number; readonly expiresAtMs: number };
  /** False for a dead workspace that is not restarted now: only observed, or waiting for an operator's yes. */
  readonly restarting?: boolean;
  /** A paused workspace whose policy refuses requests. */
  readonly refusedWhilePaused?: boolean;
}

/** The answer of the forward-error route (architecture, section 4). */
export function answerJudged(judged: Judged): Answer {
  const { verdict, restarting = true } = judged;
  switch (verdict) {
    case 'dead':
      return judged.reason === 'terminated'
        ? refusal(judged, 'gone', { restarting: false })
        : judged.parked
          ? parkedAnswer(judged, judged.parked, 'parked', retryAfterSeconds.restarting, { restarting })
          : refusal(judged, 'dead', { restarting, retryAfterSeconds: retryAfterSeconds.restarting });
    case 'busy':
      if (judged.refusedWhilePaused) return refusal(judged, 'paused', {});
      return judged.parked
        ? parkedAnswer(judged, judged.parked, 'parked', retryAfterSeconds.busy)
        : refusal(judged, 'busy', { retryAfterSeconds: retryAfterSeconds.busy });
    case 'pending':
      return judged.parked
        ? parkedAnswer(judged, judged.parked, 'pending', retryAfterSeconds.pending)
        : refusal(judged, 'busy', { retryAfterSeconds: retryAfterSeconds.pending });
    case 'alive':
      return answerAlive(judged);
    default:
      return assertNever(verdict);
  }
}

function answerAlive(judged: Judged): Answer {
  switch (judged.errorClass) {
    case 'upstream-busy':
      return judged.parked
        ? parkedAnswer(judged, judged.parked, 'upstream-busy', retryAfterSeconds.busy)
        : refusal(judged, 'busy', { retryAfterSeconds: retryAfterSeconds.busy });
    case 'agent-restarting':
      return refusal(judged, 'agent-restarting', { retryAfterSeconds: retryAfterSeconds.agentRestarting });
    case 'unreachable':
      return refusal(judged, 'unreachable', {});
    case 'upstream-error':
      return refusal(judged, 'upstream-error', { upstreamStatus: judged.upstreamStatus });
    default:
      return assertNever(judged.errorClass);
  }
}

function refusal(
  judged: Judged,
  code: Code,
  extra: Record<string, unknown> & { retryAfterSeconds?: number },
): Answer {
  const { verdict, reason, verdictId } = judged;
  const answer = problem(code, reasonMeaning[reason], { verdict, reason, verdictId, ...extra });
  return {
    ...answer,
    headers: { ...answer.headers, location: verdictLocation(judged.workspaceId, verdictId) },
  };
}

function parkedAnswer(
  judged: Judged,
  parked: NonNullable<Judged['parked']>,
  code: 'parked' | 'pending' | 'upstream-busy',
  retryAfter: number,
  extra: Record<string, unknown> = {},
): Answer {
  const { verdict, reason, verdictId, workspaceId } = judged;
  const location =
    code === 'pending' ? verdictLocation(workspaceId, verdictId) : `/requests/${parked.requestId}`;
  return json(
    202,
    {
      verdict,
      reason,
      code,
      verdictId,
      requestId: parked.requestId,
      position: parked.position,
      expiresAt: isoTime(parked.expiresAtMs),
      retryAfterSeconds: retryAfter,
      ...extra,
    },
    { location, 'retry-after': String(retryAfter) },
  );
}

function titleOf(code: Code): string {
  const words = code.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
