/** Rows 19 and 20 of the catalogue of bad inputs, for every route that takes a body: made from its own schema. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { routes, type Route } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import type { ApiClient } from '../../local/api-client.ts';
import { as, aWorkspace, type TestWorkspace } from './fleet.ts';
import { changingNothing, untilQueuesRest } from './refusals.ts';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, ObjectSchema>>;
  readonly required?: readonly string[];
}
type Path = readonly string[];

/** A body that each route takes; every field of its schema is there. */
const whole: Partial<Record<RouteKey, object>> = {
  'POST /workspaces/{workspaceId}/forward-errors': {
    error: { kind: 'upstream', status: 502, instanceId: 'i-0123456789abcdef0' },
    request: {
      id: 'whole',
      method: 'POST',
      path: '/',
      headers: {},
      body: '',
      expiresInSeconds: 60,
      whenDead: 'refuse',
      onAmbiguous: 'retry',
    },
  },
  'POST /workspaces/{workspaceId}/heartbeats': {
    bootId: 'b',
    seq: 1,
    intervalSeconds: 5,
    activeTasks: 0,
    busyUntil: '2026-01-01T00:00:00Z',
  },
  'PUT /workspaces/{workspaceId}': {
    instanceId: 'i-0123456789abcdef0',
    port: 80,
    protocol: 'http',
    path: '/',
    desired: 'running',
    policy: {},
  },
  'POST /workspaces/{workspaceId}/settle': { reason: 'x', seconds: 5 },
  'POST /workspaces/{workspaceId}/restart': { reason: 'x', force: false },
  'POST /workspaces/{workspaceId}/restart/approve': { reason: 'x' },
  'POST /workspaces/{workspaceId}/quarantine/release': { reason: 'x' },
  'PUT /workspaces/{workspaceId}/pause': { reason: 'x', until: '2026-01-01T00:00:00Z' },
  'POST /dead-letters/redrive': {
    requestIds: ['01KAREQESTAAAAAAAAAAAAAAAA'],
    workspaceId: 'x',
    limit: 1,
    dryRun: true,
  },
  'PUT /fleet/pause': { reason: 'x', until: '2026-01-01T00:00:00Z' },
};

const withBody = (routes as readonly Route[])
  .map((route) => [`${route.method} ${route.path}` as RouteKey, route] as const)
  .filter(([key]) => routeInputs[key].body !== undefined);

/** Every field of a schema, and of the objects in it. */
function fieldsOf({ properties = {} }: ObjectSchema): Path[] {
  return Object.entries(properties).flatMap(([name, inner]) => [
    [name],
    ...fieldsOf(inner).map((rest) => [name, ...rest]),
  ]);
}
function requiredOf({ properties = {}, required = [] }: ObjectSchema): Path[] {
  return [
    ...required.map((name) => [name]),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      requiredOf(inner).map((rest) => [name, ...rest]),
    ),
  ];
}

/** The body with one field changed, or gone. */
function changed(body: object, path: Path, value: unknown): object {
  const copy = structuredClone(body) as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, copy);
  const last = path.at(-1) ?? '';
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return copy;
}

let ws: TestWorkspace;
const callers = {} as Record<'proxy' | 'operator' | 'agent', ApiClient>;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.untilSettled();
  await untilQueuesRest();
  callers.proxy = await as('proxy');
  callers.operator = await as('operator');
  callers.agent = await as('agent', ws.instanceId);
});

describe.each(withBody)('%s', (key, route) => {
  const schema = routeInputs[key].body ?? expect.fail('no body');
  const json = z.toJSONSchema(schema, { io: 'input' }) as ObjectSchema;
  const body = whole[key] ?? expect.fail(`no body for ${key}`);
  const caller = route.callers[0] ?? expect.fail('no caller');
  const refusedFields = async (bodies: readonly (readonly [string, object])[]) => {
    const accepted: string[] = [];
    await changingNothing(ws, async () => {
      for (const [what, wrong] of bodies) {
        const path = route.path.replace('{workspaceId}', ws.workspaceId);
        const answer = await callers[caller].call(route.method, path, wrong);
        const { code, errors = [] } = answer.body as { code?: string; errors?: { field: string }[] };
        const name = what.split(' ')[0] ?? '';
        const isNamed = errors.some(({ field }) => field === name || field.startsWith(`${name}.`));
        if (answer.status !== 400 || code !== 'invalid-input' || !isNamed) accepted.push(what);
      }
    });
    expect(accepted).toEqual([]);
  };

  it('row 19: without each required field in turn - 400 that names it, nothing changes', () =>
    refusedFields(requiredOf(json).map((path) => [path.join('.'), changed(body, path, undefined)])));

  it('row 20: with each field of each wrong type - 400 that names it, nothing changes', async () => {
    expect(schema.safeParse(body).success).toBe(true);
    const fields = fieldsOf(json);
    expect(fields.length).toBeGreaterThan(0);
    const wrong = fields.flatMap((path) =>
      [null, true, -5, 'no ⌁ value', [[]], { a: 1 }].flatMap((value) => {
        const candidate = changed(body, path, value);
        // The rest is right, so what the schema takes is right for this one field: a flag may be true.
        return schema.safeParse(candidate).success
          ? []
          : [[`${path.join('.')} = ${JSON.stringify(value)}`, candidate] as const];
      }),
    );
    expect(wrong.length).toBeGreaterThanOrEqual(4 * fields.length);
    await refusedFields(wrong);
  });
});
