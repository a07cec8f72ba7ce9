/** Calls and messages as the runtime hands them to a use case. */
import type { SQSRecord } from 'aws-lambda';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import type { Received } from '../../lambdas/ports/queues.ts';
import { NOW_MS } from './mocked-aws.ts';

export function apiCall(route: string, body: unknown, changes: Partial<ApiCall> = {}): ApiCall {
  return {
    route,
    params: { workspaceId: 'ws-1' },
    query: {},
    headers: {},
    bodyText: typeof body === 'string' ? body : JSON.stringify(body),
    caller: { principal: 'role/proxy', roleName: 'proxy', session: 'proxy-1' },
    now: { earliestMs: NOW_MS, latestMs: NOW_MS },
    gatewayTimeMs: NOW_MS,
    ...changes,
  };
}

export function forwardError(body: unknown, changes: Partial<ApiCall> = {}): ApiCall {
  return apiCall('POST /workspaces/{workspaceId}/forward-errors', body, changes);
}

/** A request that may be parked. */
export const aRequest = {
  id: 'r-1',
  method: 'POST',
  path: '/a2a',
  body: Buffer.from('hello').toString('base64'),
};

export function received<T>(body: T, changes: Partial<Received<T>> = {}): Received<T> {
  return {
    id: 'message-1',
    receiptHandle: 'handle-1',
    body,
    receives: 1,
    sentAtMs: NOW_MS - 2000,
    firstReceivedAtMs: NOW_MS,
    ...changes,
  };
}

/** A message as Lambda gets it from a queue. */
export function aRecord(id: string, body: unknown, receives = 1): SQSRecord {
  // What the runtime reads of it.
  const record: Partial<Record<keyof SQSRecord, unknown>> = {
    messageId: id,
    receiptHandle: `handle-${id}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(NOW_MS),
      ApproximateFirstReceiveTimestamp: String(NOW_MS),
    },
  };
  return record as unknown as SQSRecord;
}
