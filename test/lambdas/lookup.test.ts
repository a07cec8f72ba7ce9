import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import { apiCall } from './calls.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

const REQUEST = '01KAREQESTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleLookup>[1];
beforeEach(() => {
  aws = mockedAws();
  ports = { ...portsOver(aws), operatorRoles: ['operator'] };
  aws.dynamo.on(QueryCommand).resolves({ Items: [], Count: 2 });
});
const look = async (route: string, changes: Partial<ApiCall> = {}) =>
  handleLookup(apiCall(route, '', changes), ports);

describe('GET /workspaces/{workspaceId}', () => {
  it('shows state, heartbeat age, windows, budget and parked count', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 5000, recentRestartsMs: [NOW_MS - 1000] }), [
      { pk: 'WS#ws-1', sk: 'PARKED', count: 3 },
    ]);
    expect(await look('GET /workspaces/{workspaceId}')).toMatchObject({
      status: 200,
      body: {
        workspaceId: 'ws-1',
        generation: 3,
        paused: null,
        claim: null,
        lastVerdict: null,
        heartbeat: { ageSeconds: 315, seq: 41, bootId: 'boot-a', fresh: false },
        settling: { because: 'registration' },
        restartsLeft: 2,
        parked: 3,
        policy: { settleSeconds: 60, freshSeconds: 15 },
      },
    });
  });

  it('unknown - 404', async () => {
    expect(await look('GET /workspaces/{workspaceId}')).toMatchObject({ status: 404 });
  });
});

describe('GET /requests/{requestId}', () => {
  const row = {
    pk: `REQ#${REQUEST}`,
    sk: 'REQUEST',
    requestId: REQUEST,
    workspaceId: 'ws-1',
    caller: 'role/proxy',
    state: 'parked',
    attempts: 0,
    ambiguous: false,
    acceptedAtMs: NOW_MS,
    expiresAtMs: NOW_MS,
  };
  const read = (roleName: string) =>
    look('GET /requests/{requestId}', {
      params: { requestId: REQUEST },
      caller: { principal: `role/${roleName}`, roleName, session: 's' },
    });

  it('its owner and operators see state and position', async () => {
    holds(aws, aStoredWorkspace(), [row]);
    expect(await read('proxy')).toMatchObject({ status: 200, body: { state: 'parked', position: 3 } });
    expect(await read('operator')).toMatchObject({ status: 200 });
  });

  it('parked - with an estimate from the history of its workspace, labelled as one', async () => {
    holds(aws, aStoredWorkspace(), [
      row,
      {
        pk: 'WS#ws-1',
        sk: 'PARKED',
        count: 3,
        drain: { turnMs: 2000, recoveryMs: 60_000, unreadySinceMs: NOW_MS - 45_000 },
      },
    ]);
    expect(await read('proxy')).toMatchObject({
      body: {
        position: 3,
        estimate: {
          label: 'estimate',
          // What is left of the usual recovery, and a turn for each place.
          deliveredAt: new Date(NOW_MS + 15_000 + 3 * 2000).toISOString(),
          basis: { turnSeconds: 2, recoverySeconds: 15 },
        },
      },
    });
  });

  it('no history yet - no estimate: no number is made up', async () => {
    holds(aws, aStoredWorkspace(), [row]);
    expect((await read('proxy')).body).not.toHaveProperty('estimate');
  });

  it('ended - its response instead, and neither position nor estimate', async () => {
    const response = { status: 200, headers: {}, body: 'aGk=', truncated: false };
    holds(aws, aStoredWorkspace(), [
      { ...row, state: 'delivered' },
      { pk: `REQ#${REQUEST}`, sk: 'RESPONSE', response },
      { pk: 'WS#ws-1', sk: 'PARKED', drain: { turnMs: 2000 } },
    ]);
    const { body } = await read('proxy');
    expect(body).toMatchObject({ state: 'delivered', response });
    expect(body).not.toHaveProperty('position');
    expect(body).not.toHaveProperty('estimate');
  });

  it('still accepting - to its owner, too, it does not exist: nothing was promised', async () => {
    holds(aws, aStoredWorkspace(), [{ ...row, state: 'accepting' }]);
    expect(await read('proxy')).toMatchObject({ status: 404 });
    expect(await read('operator')).toMatchObject({ status: 404 });
  });

  it('to everybody else it is the same 404 as a request that never was', async () => {
    holds(aws, aStoredWorkspace(), [row]);
    const stranger = await read('stranger');
    holds(aws, aStoredWorkspace(), []);
    expect(stranger).toEqual(await read('proxy'));
    expect(stranger).toMatchObject({ status: 404, body: { code: 'unknown-request' } });
  });
});

describe.each(['verdicts', 'requests', 'timeline'])('GET /workspaces/{workspaceId}/%s', (list) => {
  it('of an unknown workspace - 404 unknown-workspace, not an empty list', async () => {
    expect(await look(`GET /workspaces/{workspaceId}/${list}`)).toMatchObject({
      status: 404,
      body: { code: 'unknown-workspace' },
    });
  });

  it('of a known one - a page', async () => {
    holds(aws, aStoredWorkspace());
    expect(await look(`GET /workspaces/{workspaceId}/${list}`)).toMatchObject({
      status: 200,
      body: { cursor: null },
    });
  });
});

describe('anything else', () => {
  it('an unknown route - 404 no-route', async () => {
    expect(await look('$default')).toMatchObject({ status: 404, body: { code: 'no-route' } });
  });

  it('an unknown query parameter - refused by its name', async () => {
    await expect(look('GET /workspaces', { query: { limits: '5' } })).rejects.toMatchObject({
      problems: [{ field: 'limits' }],
    });
  });
});
