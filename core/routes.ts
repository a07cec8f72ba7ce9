/**
 * The HTTP contract's routes as data: who may call each, and which function answers. The stack builds the API and
 * the grants from this list, the functions route by it, and the API document is made from it.
 */

export type Caller = 'proxy' | 'agent' | 'operator';
export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface Route {
  readonly method: HttpMethod;
  /** Path with its parameters in braces, as API Gateway spells it. */
  readonly path: string;
  readonly answeredBy: 'forward-error' | 'heartbeat' | 'lookup' | 'operate';
  readonly callers: readonly Caller[];
}

export const routes = [
  {
    method: 'POST',
    path: '/workspaces/{workspaceId}/forward-errors',
    answeredBy: 'forward-error',
    callers: ['proxy'],
  },
  {
    method: 'POST',
    path: '/workspaces/{workspaceId}/heartbeats',
    answeredBy: 'heartbeat',
    callers: ['agent'],
  },

  { method: 'GET', path: '/workspaces/{workspaceId}', answeredBy: 'lookup', callers: ['operator', 'proxy'] },
  { method: 'GET', path: '/workspaces', answeredBy: 'lookup', callers: ['operator'] },
  {
    method: 'GET',
    path: '/workspaces/{workspaceId}/verdicts',
    answeredBy: 'lookup',
    callers: ['operator', 'proxy'],
  },
  {
    method: 'GET',
    path: '/workspaces/{workspaceId}/verdicts/{verdictId}',
    answeredBy: 'lookup',
    callers: ['operator', 'proxy'],
  },
  { method: 'GET', path: '/workspaces/{workspaceId}/requests', answeredBy: 'lookup', callers: ['operator'] },
  { method: 'GET', path: '/workspaces/{workspaceId}/timeline', answeredBy: 'lookup', callers: ['operator'] },
  { method: 'GET', path: '/dead-letters', answeredBy: 'lookup', callers: ['operator'] },
  { method: 'GET', path: '/requests/{requestId}', answeredBy: 'lookup', callers: ['proxy', 'operator'] },
  { method: 'GET', path: '/fleet', answeredBy: 'lookup', callers: ['operator'] },

  { method: 'PUT', path: '/workspaces/{workspaceId}', answeredBy: 'operate', callers: ['operator'] },
  { method: 'DELETE', path: '/workspaces/{workspaceId}', answeredBy: 'operate', callers: ['operator'] },
  { method: 'POST', path: '/workspaces/{workspaceId}/settle', answeredBy: 'operate', callers: ['operator'] },
  { method: 'POST', path: '/workspaces/{workspaceId}/restart', answeredBy: 'operate', callers: ['operator'] },
  {
    method: 'POST',
    path: '/workspaces/{workspaceId}/restart/approve',
    answeredBy: 'operate',
    callers: ['operator'],
  },
  {
    method: 'POST',
    path: '/workspaces/{workspaceId}/quarantine/release',
    answeredBy: 'operate',
    callers: ['operator'],
  },
  { method: 'PUT', path: '/workspaces/{workspaceId}/pause', answeredBy: 'operate', callers: ['operator'] },
  { method: 'DELETE', path: '/workspaces/{workspaceId}/pause', answeredBy: 'operate', callers: ['operator'] },
  { method: 'DELETE', path: '/requests/{requestId}', answeredBy: 'operate', callers: ['proxy', 'operator'] },
  { method: 'POST', path: '/dead-letters/redrive', answeredBy: 'operate', callers: ['operator'] },
  { method: 'PUT', path: '/fleet/pause', answeredBy: 'operate', callers: ['operator'] },
  { method: 'DELETE', path: '/fleet/pause', answeredBy: 'operate', callers: ['operator'] },
  { method: 'POST', path: '/fleet/brake/release', answeredBy: 'operate', callers: ['operator'] },
] as const satisfies readonly Route[];
