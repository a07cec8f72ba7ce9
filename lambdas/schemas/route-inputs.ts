/** What each route takes beside its path: the functions refuse the rest, and the API document is made from it. */
import * as z from 'zod/mini';
import type { routes } from '../../core/routes.ts';
import {
  approvalBody,
  callersKey,
  forwardErrorBody,
  heartbeatBody,
  noQuery,
  pageQuery,
  pauseBody,
  redriveBody,
  removeQuery,
  requestsQuery,
  restartBody,
  settleBody,
  timelineQuery,
  workspaceBody,
} from './api.ts';

type RouteOf<R> = R extends { method: infer M extends string; path: infer P extends string }
  ? `${M} ${P}`
  : never;
/** A route as API Gateway names it: `PUT /workspaces/{workspaceId}`. */
export type RouteKey = RouteOf<(typeof routes)[number]>;

export interface RouteInput {
  /** Other parameters are refused by their names. */
  readonly query: z.ZodMiniObject;
  readonly body?: z.ZodMiniType;
  /** An empty body is as good as none. @default false */
  readonly bodyIsOptional?: true;
  /** Headers with a meaning of their own; all others are allowed. */
  readonly headers?: z.ZodMiniObject;
}

const nothing: RouteInput = { query: noQuery };
const body = (schema: z.ZodMiniType): RouteInput => ({ query: noQuery, body: schema });
const optionalBody = (schema: z.ZodMiniType): RouteInput => ({ ...body(schema), bodyIsOptional: true });

export const routeInputs: Readonly<Record<RouteKey, RouteInput>> = {
  'POST /workspaces/{workspaceId}/forward-errors': {
    ...body(forwardErrorBody),
    headers: z.object({ Prefer: z.optional(z.string()) }),
  },
  'POST /workspaces/{workspaceId}/heartbeats': body(heartbeatBody),

  'GET /workspaces/{workspaceId}': nothing,
  'GET /workspaces': { query: pageQuery },
  'GET /workspaces/{workspaceId}/verdicts': { query: pageQuery },
  'GET /workspaces/{workspaceId}/verdicts/{verdictId}': nothing,
  'GET /workspaces/{workspaceId}/requests': { query: requestsQuery },
  'GET /workspaces/{workspaceId}/timeline': { query: timelineQuery },
  'GET /dead-letters': { query: pageQuery },
  'GET /requests/{requestId}': nothing,
  'GET /fleet': nothing,

  'PUT /workspaces/{workspaceId}': body(workspaceBody),
  'DELETE /workspaces/{workspaceId}': { query: removeQuery },
  'POST /workspaces/{workspaceId}/settle': body(settleBody),
  'POST /workspaces/{workspaceId}/restart': {
    ...body(restartBody),
    headers: z.object({ 'Idempotency-Key': z.optional(callersKey) }),
  },
  'POST /workspaces/{workspaceId}/restart/approve': optionalBody(approvalBody),
  'POST /workspaces/{workspaceId}/quarantine/release': optionalBody(approvalBody),
  'PUT /workspaces/{workspaceId}/pause': body(pauseBody),
  'DELETE /workspaces/{workspaceId}/pause': nothing,
  'DELETE /requests/{requestId}': nothing,
  'POST /dead-letters/redrive': body(redriveBody),
  'PUT /fleet/pause': body(pauseBody),
  'DELETE /fleet/pause': nothing,
  'POST /fleet/brake/release': nothing,
};

/** The input of a route; undefined for what is no route of ours. */
export function inputOf(route: string): RouteInput | undefined {
  return Object.hasOwn(routeInputs, route) ? routeInputs[route as RouteKey] : undefined;
}
