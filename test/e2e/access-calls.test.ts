/** Every caller on every route, on objects of its own and of others, with IAM in force. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes, type Caller, type Route } from '../../core/routes.ts';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import type { RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import type { ApiAnswer, ApiClient } from '../../local/api-client.ts';
import { callAs } from '../../local/callers.ts';
import type { RoleKey } from '../../local/local-info.ts';
import { anotherCaller } from './another-caller.ts';
import { aRequest, as, aWorkspace, bodyOf, local, type TestWorkspace } from './fleet.ts';
import { expectProblem, untilQueuesRest } from './refusals.ts';
import { snapshotOf } from './stores.ts';

type Whose = 'own' | 'foreign';
const MISSING = '01KANEVERWASAAAAAAAAAAAAAA';
const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';

/** What a caller is told of an object that belongs to another. Where a route has no line, nothing belongs to anybody. */
const ofOthers: Partial<Record<RouteKey, Partial<Record<Caller, readonly [status: number, code: string]>>>> =
  {
    'POST /workspaces/{workspaceId}/heartbeats': { agent: [403, 'wrong-instance'] },
    'GET /requests/{requestId}': { proxy: [404, 'unknown-request'] },
    'DELETE /requests/{requestId}': { proxy: [404, 'unknown-request'] },
  };

/** The agent's own workspace, and one of another agent, which is paused: so a request is kept, and nothing becomes of it. */
const workspace = {} as Record<Whose, TestWorkspace>;
/** A request that the stack's proxy has parked, and one of another proxy. */
const request = {} as Record<Whose, string>;
const callers = {} as Record<Caller | 'nobody', ApiClient>;
let otherProxy: ApiClient;

beforeAll(async () => {
  [workspace.own, workspace.foreign] = await Promise.all([aWorkspace(), aWorkspace()]);
  callers.proxy = await as('proxy');
  callers.operator = await as('operator');
  callers.agent = await as('agent', workspace.own.instanceId);
  callers.nobody = await anotherCaller('nobody', 'call nothing');
  otherProxy = await anotherCaller('other-proxy', 'call everything');
  const path = `/workspaces/${workspace.foreign.workspaceId}`;
  await callers.operator.call('PUT', `${path}/pause`, { reason: 'access test' });
  for (const [whose, proxy] of [
    ['own', callers.proxy],
    ['foreign', otherProxy],
  ] as const) {
    const report = { error: { kind: 'refused' }, request: aRequest(whose) };
    request[whose] = bodyOf(await proxy.call('POST', `${path}/forward-errors`, report))[
      'requestId'
    ] as string;
  }
});

afterAll(async () => {
  // What waits is delivered, so that the queues rest again: at once, since its agent has beaten.
  await workspace.foreign.beat('boot-1', 1);
  await callers.operator.call('DELETE', `/workspaces/${workspace.foreign.workspaceId}/pause`);
  await untilQueuesRest();
});

/** What the table holds of the workspaces; deliver notes on PARKED when it looked after the kept request. */
async function itemsNow(): Promise<string[]> {
  const { items } = await snapshotOf(workspace.own.workspaceId, workspace.foreign.workspaceId);
  return items.filter((item) => !item.includes('"sk":{"S":"PARKED"}'));
}

const pathOf = (route: Route, whose: Whose) =>
  route.path
    .replace('{workspaceId}', workspace[whose].workspaceId)
    .replace('{requestId}', request[whose])
    .replace('{verdictId}', VERDICT);

/** A refusal of the gateway: it is in its own form, and no function has run. */
function expectGatewayRefusal({ status, body }: ApiAnswer): void {
  expect(status).toBe(403);
  expect(body).not.toHaveProperty('code');
}

/** Let in: the function itself answers, that it takes no such parameter, and does nothing else. */
function expectLetIn(answer: ApiAnswer): void {
  expectProblem(answer, 400, 'invalid-input', 'matrix');
}

const cases = (routes as readonly Route[]).flatMap((route) =>
  (['proxy', 'operator', 'agent', 'nobody'] as const).map(
    (caller) => [caller, `${route.method} ${route.path}` as RouteKey, route] as const,
  ),
);

it('every route of the API is tried, by each kind of caller', () => {
  expect(new Set(cases.map(([, key]) => key)).size).toBe(routes.length);
  expect(new Set((routes as readonly Route[]).flatMap((route) => route.callers))).toEqual(
    new Set(['proxy', 'operator', 'agent']),
  );
});

it.each(cases)(
  '%s calls %s, for what is its own and for what is not - let in, refused by the gateway, or told as little as of a missing one',
  async (caller, key, route) => {
    const before = await itemsNow();
    for (const whose of ['own', 'foreign'] as const) {
      const told = whose === 'foreign' && caller !== 'nobody' ? ofOthers[key]?.[caller] : undefined;
      const isLetIn = route.callers.includes(caller as Caller);
      const body = key.endsWith('/heartbeats') ? { bootId: 'b', seq: 1 } : {};
      const answer = await callers[caller].call(
        route.method,
        `${pathOf(route, whose)}${told ? '' : '?matrix=1'}`,
        route.method === 'GET' ? undefined : body,
      );
      if (!isLetIn) expectGatewayRefusal(answer);
      else if (told) expectProblem(answer, ...told);
      else expectLetIn(answer);
    }
    expect(await itemsNow()).toEqual(before);
  },
);

it.each((routes as readonly Route[]).map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s without a signature, or with an API key alone (row 42) - refused by the gateway',
  async (_key, route) => {
    const path = pathOf(route, 'own');
    const body = route.method === 'GET' ? undefined : {};
    expectGatewayRefusal(await callers.operator.unsignedCall(route.method, path, body));
    const key = { 'x-api-key': 'a'.repeat(40) };
    expectGatewayRefusal(await callers.operator.unsignedCall(route.method, path, body, key));
  },
);

it.each(functionNames)('the role of %s is no caller - each route refuses it at the gateway', async (name) => {
  const role = `${name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Function` as RoleKey;
  const client = await callAs(local, role, 'access-test');
  for (const route of routes as readonly Route[]) {
    expectGatewayRefusal(
      await client.call(route.method, pathOf(route, 'own'), route.method === 'GET' ? undefined : {}),
    );
  }
  client.close();
});

describe('a request of another caller', () => {
  it.each(['GET', 'DELETE'])(
    '%s by a proxy with a role of its own - byte for byte what a missing one gets',
    async (method) => {
      const before = await itemsNow();
      const foreign = await otherProxy.call(method, `/requests/${request.own}`);
      const missing = await otherProxy.call(method, `/requests/${MISSING}`);
      expectProblem(foreign, 404, 'unknown-request');
      const comparable = ({ status, headers, body }: ApiAnswer) => {
        const names = Object.keys(headers).filter((name) => !/^date$|request-?id|trace/i.test(name));
        return { status, body: JSON.stringify(body), headers: names.map((name) => [name, headers[name]]) };
      };
      expect(comparable(foreign)).toEqual(comparable(missing));
      expect(await itemsNow()).toEqual(before);
    },
  );

  it('is shown to who parked it, and to operators', async () => {
    for (const caller of [callers.proxy, callers.operator]) {
      expect(await caller.call('GET', `/requests/${request.own}`)).toMatchObject({ status: 200 });
    }
    expect(await callers.operator.call('GET', `/requests/${request.foreign}`)).toMatchObject({ status: 200 });
  });
});
