/** The items of the ledger's transactions: a request's row, the counters of its workspace, its response. */
import { ACCEPTING_LIFE_MS, MOST_PARKED_BYTES, type ParkedRequest } from '../../core/parking.ts';
import type { FinishedRequest, KeptResponse } from '../ports/ledger.ts';
import { dueKey, keyOf, listKey, ttlSeconds } from './keys.ts';
import type { Table } from './table.ts';

/** Rows, responses and dead letters stay readable for this long after the request has ended. */
export const KEPT_AFTER_END_MS = 7 * 24 * 60 * 60_000;
/** An end that was not announced by then is announced by the sweep. */
const NOTICE_DUE_AFTER_MS = 30_000;
/** What is parked is looked at by the sweep for the first time after this. */
const PARKED_DUE_AFTER_MS = 90_000;

export function putRequest(table: Table, request: ParkedRequest) {
  return {
    Put: {
      TableName: table.name,
      Item: {
        ...keyOf.request(request.requestId),
        ...request,
        listKey: listKey.waiting(request.workspaceId),
        listSort: request.requestId,
        dueKey: dueKey.requests,
        dueAt: request.acceptedAtMs + ACCEPTING_LIFE_MS,
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  };
}

/** Counts a request in, exactly: over either limit the whole transaction is refused. */
export function countIn(table: Table, request: ParkedRequest, parkedMax: number) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.parked(request.workspaceId),
      UpdateExpression:
        'SET #count = if_not_exists(#count, :zero) + :one, #bytes = if_not_exists(#bytes, :zero) + :size, ' +
        'dueKey = :due, dueAt = if_not_exists(dueAt, :dueAt)',
      ConditionExpression:
        '(attribute_not_exists(#count) OR #count < :most) AND (attribute_not_exists(#bytes) OR #bytes <= :room)',
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: {
        ':zero': 0,
        ':one': 1,
        ':size': request.bodyBytes,
        ':most': parkedMax,
        ':room': MOST_PARKED_BYTES - request.bodyBytes,
        ':due': dueKey.parked,
        ':dueAt': request.acceptedAtMs + PARKED_DUE_AFTER_MS,
      },
    },
  };
}

export function countOut(table: Table, request: ParkedRequest, { drain }: FinishedRequest) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.parked(request.workspaceId),
      UpdateExpression: `SET #count = #count - :one, #bytes = #bytes - :size${drain ? ', drain = :drain' : ''}`,
      ExpressionAttributeNames: { '#count': 'count', '#bytes': 'bytes' },
      ExpressionAttributeValues: {
        ':one': 1,
        ':size': request.bodyBytes,
        ...(drain && { ':drain': drain }),
      },
    },
  };
}

/** The row's end. It stays due until the end was announced: the sweep announces what nobody did. */
export function endRequest(table: Table, request: ParkedRequest, end: FinishedRequest) {
  const conditions = [
    '#state IN (:accepting, :parked, :delivering)',
    ...(end.onlyFrom ? ['#state = :from'] : []),
    ...(end.onlyAttempt === undefined ? [] : ['attempts = :attempts']),
  ];
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.request(request.requestId),
      UpdateExpression:
        'SET #state = :state, finishedAtMs = :at, listKey = :ended, #ttl = :ttl, dueKey = :due, dueAt = :dueAt' +
        // What the last attempt met is not how the request ended.
        (end.why === undefined ? ' REMOVE why' : ', why = :why'),
      ConditionExpression: conditions.join(' AND '),
      ExpressionAttributeNames: { '#state': 'state', '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':state': end.state,
        ...(end.why !== undefined && { ':why': end.why }),
        ':at': end.atMs,
        ':ended': listKey.ended(request.workspaceId),
        ':ttl': ttlSeconds(end.atMs + KEPT_AFTER_END_MS),
        ':due': dueKey.requests,
        ':dueAt': end.atMs + NOTICE_DUE_AFTER_MS,
        ':accepting': 'accepting',
        ':parked': 'parked',
        ':delivering': 'delivering',
        ...(end.onlyFrom && { ':from': end.onlyFrom }),
        ...(end.onlyAttempt !== undefined && { ':attempts': end.onlyAttempt }),
      },
    },
  };
}

/**
 * A request that was never promised, or whose verdict took the promise back, must not hold its idempotency key: a repeat
 * would be told a 202 that is none. Its own key only: after a day another request may have it, whose promise stands (S30).
 */
export function forgetKey(table: Table, request: ParkedRequest, end: FinishedRequest) {
  const isFreed = end.onlyFrom === 'accepting' || end.freesKey === true;
  if (!isFreed || request.callersKey === undefined) return [];
  const { caller: principal, workspaceId, callersKey: key } = request;
  return [
    {
      Delete: {
        TableName: table.name,
        Key: keyOf.idempotency({ principal, workspaceId, key }),
        ConditionExpression: 'attribute_not_exists(pk) OR #value.requestId = :request',
        ExpressionAttributeNames: { '#value': 'value' },
        ExpressionAttributeValues: { ':request': request.requestId },
      },
    },
  ];
}

export function putResponse(table: Table, requestId: string, response: KeptResponse, atMs: number) {
  return {
    Put: {
      TableName: table.name,
      Item: { ...keyOf.response(requestId), response, ttl: ttlSeconds(atMs + KEPT_AFTER_END_MS) },
    },
  };
}

/** A dead letter's mark, by which it is listed. */
export function putDeadLetter(table: Table, request: ParkedRequest, atMs: number) {
  return {
    Put: {
      TableName: table.name,
      Item: {
        ...keyOf.deadLetter(request.requestId),
        listKey: listKey.deadLetters,
        listSort: request.requestId,
        ttl: ttlSeconds(atMs + KEPT_AFTER_END_MS),
      },
    },
  };
}
