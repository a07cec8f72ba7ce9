/**
 * Writes docs/openapi.json, from the list of routes and the very schemas that the functions validate with:
 *
 *   node scripts/openapi.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi';
import * as z from 'zod/mini';
import { codeStatus, type Code } from '../core/answer.ts';
import { routes, type Route } from '../core/routes.ts';
import { instanceId, ulid, workspaceId } from '../lambdas/schemas/api.ts';
import { routeInputs, type RouteKey } from '../lambdas/schemas/route-inputs.ts';

const root = path.resolve(import.meta.dirname, '..');
export const openApiFile = path.join(root, 'docs', 'openapi.json');

/** What a route is for, and how it answers when all is well. */
const about: Readonly<Record<RouteKey, readonly [summary: string, ...success: number[]]>> = {
  'POST /workspaces/{workspaceId}/forward-errors': [
    'Report a failed forward, and have the request kept',
    202,
  ],
  'POST /workspaces/{workspaceId}/heartbeats': ["An agent's sign of life", 204],
  'GET /workspaces/{workspaceId}': ['Show a workspace', 200],
  'GET /workspaces': ['List the fleet', 200],
  'GET /workspaces/{workspaceId}/verdicts': ["List a workspace's receipts, newest first", 200],
  'GET /workspaces/{workspaceId}/verdicts/{verdictId}': ['Show a receipt', 200],
  'GET /workspaces/{workspaceId}/requests': ["List a workspace's requests", 200],
  'GET /workspaces/{workspaceId}/timeline': ["Tell a workspace's story, newest first", 200],
  'GET /dead-letters': ['List dead letters', 200],
  'GET /requests/{requestId}': ['Show a request to who parked it', 200],
  'GET /fleet': ['Show the brake, the budget and the counts', 200],
  'PUT /workspaces/{workspaceId}': ['Register a workspace, or change it', 200, 201],
  'DELETE /workspaces/{workspaceId}': ['Forget a workspace', 204],
  'POST /workspaces/{workspaceId}/settle': ['Announce a change that restarts the agent', 200],
  'POST /workspaces/{workspaceId}/restart': ['Order a restart', 202],
  'POST /workspaces/{workspaceId}/restart/approve': ['Say yes to a restart that waits for one', 202],
  'POST /workspaces/{workspaceId}/quarantine/release': [
    'Allow restarts of a quarantined workspace again',
    200,
  ],
  'PUT /workspaces/{workspaceId}/pause': ['No restarts of a workspace for a while', 200],
  'DELETE /workspaces/{workspaceId}/pause': ['Allow restarts of a workspace again', 200],
  'DELETE /requests/{requestId}': ['Cancel a parked request', 200],
  'POST /dead-letters/redrive': ['Send dead letters again', 200],
  'PUT /fleet/pause': ['No restarts in the fleet for a while', 200],
  'DELETE /fleet/pause': ['Allow restarts in the fleet again', 200],
  'POST /fleet/brake/release': ['Release the brake', 200],
};

const pathParameters = { workspaceId, requestId: ulid, verdictId: ulid, instanceId };

const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.enum(Object.keys(codeStatus) as Code[]),
    detail: z.string(),
    errors: z.optional(z.array(z.object({ field: z.string(), problem: z.string() }))),
    retryAfterSeconds: z.optional(z.number()),
  })
  .check(z.meta({ id: 'Problem', description: 'RFC 9457. `code` is the contract, the text is not.' }));

const codesByStatus = Object.groupBy(Object.keys(codeStatus) as Code[], (code) => String(codeStatus[code]));
/** API Gateway's own answers, in its own form: 403 unsigned or not granted, 413 and 429 over its limits. */
const gatewayStatuses = ['403', '413', '429'];

/** How any call may fail: one object for all routes, which the document then holds once. */
const failures = ((): ZodOpenApiOperationObject['responses'] => {
  const ours = Object.entries(codesByStatus).map(([status, codes = []]) => [
    status,
    {
      id: `Status${status}`,
      description: codes.join(', '),
      content: {
        'application/problem+json': { schema: problemSchema },
        ...(gatewayStatuses.includes(status) && {
          'application/json': { schema: z.object({ message: z.string() }) },
        }),
      },
    },
  ]);
  return Object.fromEntries(ours) as ZodOpenApiOperationObject['responses'];
})();

function operation({ path: route, method, callers }: Route): ZodOpenApiOperationObject {
  const key = `${method} ${route}` as RouteKey;
  const { query, body, bodyIsOptional, headers } = routeInputs[key];
  const [summary, ...success] = about[key];
  const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as keyof typeof pathParameters);
  return {
    operationId: operationIdOf(method, route),
    summary,
    tags: [...callers],
    security: [{ sigv4: [] }],
    requestParams: {
      ...(names.length > 0 && {
        path: z.object(Object.fromEntries(names.map((name) => [name, pathParameters[name]]))),
      }),
      ...(Object.keys(query.shape).length > 0 && { query }),
      ...(headers && { header: headers }),
    },
    ...(body && {
      requestBody: { required: bodyIsOptional !== true, content: { 'application/json': { schema: body } } },
    }),
    responses: {
      ...Object.fromEntries(success.map((status) => [status, successOf(status)])),
      ...failures,
    },
  };
}

const successOf = (status: number) =>
  status === 204
    ? { description: 'Done' }
    : { description: 'Done', content: { 'application/json': { schema: z.looseObject({}) } } };

/** `POST /workspaces/{workspaceId}/pause` is postWorkspacePause. */
function operationIdOf(method: string, route: string): string {
  const words = route.split('/').filter((it) => it !== '');
  const named = words.flatMap((word, index) => {
    if (word.startsWith('{')) return [];
    const single = words[index + 1]?.startsWith('{') ? word.replace(/s$/, '') : word;
    return single.split('-').map((it) => it.charAt(0).toUpperCase() + it.slice(1));
  });
  return method.toLowerCase() + named.join('');
}

export function openApiDocument(): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes as readonly Route[]) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Defib',
      version: '1',
      description:
        'Tells a dead agent from a busy one, and restarts only the dead. Each tag is a kind of caller.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'AWS Signature Version 4, service execute-api',
        },
      },
    },
  });
}

/** The document as it lies in docs. */
export const openApiText = () =>
  format(JSON.stringify(openApiDocument()), { parser: 'json', printWidth: 110 });

if (import.meta.main) {
  const text = await openApiText();
  const before = readFileSync(openApiFile, { encoding: 'utf8', flag: 'a+' });
  if (text !== before) writeFileSync(openApiFile, text);
}
