/** What a proxy reports, read and checked. */
import type { Caller } from '../../core/caller.ts';
import {
  errorClassOf,
  mayHaveArrived,
  type ErrorClass,
  type ForwardError,
} from '../../core/forward-error.ts';
import type { TimeRange } from '../../core/time.ts';
import type { IdempotencyKey } from '../ports/idempotency.ts';
import type { Ids } from '../ports/ids.ts';
import { readBody, readValue, type ApiCall } from '../runtime/api-call.ts';
import {
  forwardErrorBody,
  workspaceId as workspaceIdSchema,
  type ParkedRequestBody,
} from '../schemas/api.ts';

export interface Report {
  readonly workspaceId: string;
  readonly caller: Caller;
  readonly now: TimeRange;
  readonly error: ForwardError;
  readonly errorClass: ErrorClass;
  readonly request?: ParkedRequestBody;
  /** Decoded size of the request's body. */
  readonly bodyBytes: number;
  /** An earlier copy may be with the agent already. */
  readonly ambiguous: boolean;
  /** The request's idempotency key and what it was first used for. */
  readonly key?: IdempotencyKey;
  readonly fingerprint: string;
  /** How long the caller would wait for a final verdict, 0 to 10 s. */
  readonly waitMs: number;
}

export function readReport(call: ApiCall, ids: Ids): Report {
  const workspaceId = readValue(call.params['workspaceId'], workspaceIdSchema, 'workspaceId');
  const { error, request } = readBody(call, forwardErrorBody);
  const forwardError: ForwardError = {
    kind: error.kind,
    ...(error.status !== undefined && { status: error.status }),
    ...(error.instanceId !== undefined && { instanceId: error.instanceId }),
  };
  return {
    workspaceId,
    caller: call.caller,
    now: call.now,
    error: forwardError,
    errorClass: errorClassOf(error.kind),
    ...(request && { request }),
    bodyBytes: decodedBytes(request?.body ?? ''),
    ambiguous: mayHaveArrived(error.kind),
    ...(request?.id !== undefined && {
      key: { principal: call.caller.principal, workspaceId, key: request.id },
    }),
    fingerprint: ids.fingerprint(JSON.stringify(request ?? null)),
    waitMs: waitMsOf(call.headers['prefer']),
  };
}

/** Bytes that base64 text stands for. */
function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

/** `Prefer: wait=N` (RFC 7240), N from 1 to 10; anything else is no preference. */
function waitMsOf(prefer: string | undefined): number {
  const seconds = Number(/(?:^|[,;\s])wait=(\d{1,2})(?:$|[,;\s])/.exec(prefer ?? '')?.[1] ?? 0);
  return seconds >= 1 && seconds <= 10 ? seconds * 1000 : 0;
}
