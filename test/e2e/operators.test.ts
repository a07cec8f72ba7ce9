import { describe, expect, it } from 'vitest';
import { aRequest, as, aWorkspace, bodyOf, ec2Calls, launch, untilInstanceIs } from './fleet.ts';
import { until } from './wait.ts';

describe.concurrent('operators of a workspace', () => {
  it('register, read, change: a changed instance starts a new generation and a settle window', async () => {
    const ws = await aWorkspace();
    const operator = await as('operator');
    const path = `/workspaces/${ws.workspaceId}`;
    await ws.untilSettled();
    const same = await operator.call('PUT', path, {
      instanceId: ws.instanceId,
      port: ws.agent.port,
      policy: { parkedMax: 5 },
    });
    expect(same).toMatchObject({
      status: 200,
      body: { generation: 1, settling: null, policy: { parkedMax: 5 } },
    });
    const next = await launch();
    await untilInstanceIs(next, 'running');
    const moved = await operator.call('PUT', path, { instanceId: next, port: ws.agent.port });
    expect(moved).toMatchObject({ status: 200, body: { generation: 2, instanceId: next, heartbeat: null } });
    expect(bodyOf(moved)['settling']).not.toBeNull();
    const list = bodyOf(await operator.call('GET', '/workspaces?limit=200'))['workspaces'] as {
      workspaceId: string;
    }[];
    expect(list.map(({ workspaceId }) => workspaceId)).toContain(ws.workspaceId);
  });

  it('only tagged instances can become workspaces', async () => {
    const untagged = await launch(false);
    const answer = await (
      await as('operator')
    ).call('PUT', '/workspaces/untagged', { instanceId: untagged, port: 80 });
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('pause: busy without a probe, requests wait; resume delivers them', async () => {
    const ws = await aWorkspace();
    const operator = await as('operator');
    await ws.beat('boot-1', 1);
    await ws.untilSettled();
    const paused = await operator.call('PUT', `/workspaces/${ws.workspaceId}/pause`, {
      reason: 'maintenance',
    });
    expect(paused).toMatchObject({
      status: 200,
      body: { paused: { by: expect.stringMatching(/^role\//) as unknown, reason: 'maintenance' } },
    });
    const probesBefore = await ec2Calls('DescribeInstances', ws.instanceId);
    const answer = await ws.report({ error: { kind: 'refused' }, request: aRequest('paused-1') });
    expect(answer).toMatchObject({ status: 202, body: { reason: 'paused' } });
    expect(await ec2Calls('DescribeInstances', ws.instanceId)).toBe(probesBefore);
    expect(ws.agent.served).toHaveLength(0);
    await operator.call('DELETE', `/workspaces/${ws.workspaceId}/pause`);
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
  });

  it('announce a change: a settle window opens', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    const answer = await (
      await as('operator')
    ).call('POST', `/workspaces/${ws.workspaceId}/settle`, { reason: 'new config', seconds: 30 });
    expect(answer).toMatchObject({ status: 200, body: { settling: { because: 'new config' } } });
    expect(await ws.report({ error: { kind: 'refused' } })).toMatchObject({ body: { reason: 'settling' } });
  });

  it('order a restart of a running workspace: one Stop, one Start, done by a beat of the new boot', async () => {
    const ws = await aWorkspace();
    const operator = await as('operator');
    const path = `/workspaces/${ws.workspaceId}/restart`;
    await ws.beat('boot-1', 1);
    expect(await operator.call('POST', path, { reason: 'too soon' })).toMatchObject({
      status: 409,
      body: { code: 'settling' },
    });
    await ws.untilSettled();
    const ordered = await operator.call('POST', path, { reason: 'please' }, { 'idempotency-key': 'k1' });
    expect(ordered).toMatchObject({ status: 202, body: { claim: { reason: 'please' } } });
    const again = await operator.call('POST', path, { reason: 'please' }, { 'idempotency-key': 'k1' });
    expect(again.body).toEqual(ordered.body);
    expect(await operator.call('POST', path, { reason: 'please' })).toMatchObject({
      status: 409,
      body: { code: 'restarting' },
    });
    await until('it was stopped', async () =>
      (await ec2Calls('StopInstances', ws.instanceId)) > 0 ? true : undefined,
    );
    await until('it was started', async () =>
      (await ec2Calls('StartInstances', ws.instanceId)) > 0 ? true : undefined,
    );
    await untilInstanceIs(ws.instanceId, 'running');
    await until('the new boot is heard', async () =>
      (await ws.beat('boot-2', 1)).status === 204 ? true : undefined,
    );
    await until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(1);
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
  });

  it('a parked request: seen by its owner and operators, cancelled by its owner, then final', async () => {
    const ws = await aWorkspace({ settleSeconds: 60 });
    const answer = await ws.report({ error: { kind: 'refused' }, request: aRequest('cancel-1') });
    const path = `/requests/${String(bodyOf(answer)['requestId'])}`;
    const proxy = await as('proxy');
    expect(await proxy.call('GET', path)).toMatchObject({
      status: 200,
      body: { state: 'parked', position: 1 },
    });
    expect(await proxy.call('DELETE', path)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await proxy.call('DELETE', path)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await ws.show()).toMatchObject({ parked: 0 });
    const list = await (
      await as('operator')
    ).call('GET', `/workspaces/${ws.workspaceId}/requests?state=cancelled`);
    expect(list).toMatchObject({ status: 200, body: { requests: [{ state: 'cancelled' }] } });
    await ws.beat('boot-1', 1);
    expect(ws.agent.served).toHaveLength(0);
  });

  it('remove: 409 while requests are parked, unless they are to be refused', async () => {
    const ws = await aWorkspace({ settleSeconds: 60 });
    const operator = await as('operator');
    const path = `/workspaces/${ws.workspaceId}`;
    const answer = await ws.report({ error: { kind: 'refused' }, request: aRequest('remove-1') });
    expect(await operator.call('DELETE', path)).toMatchObject({ status: 409 });
    expect(await operator.call('DELETE', `${path}?parked=refuse`)).toMatchObject({ status: 204 });
    expect(await operator.call('GET', path)).toMatchObject({ status: 404 });
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'refused');
  });
});

describe('operators of the fleet', () => {
  it('pause and resume it, and release its brake', async () => {
    const operator = await as('operator');
    expect(await operator.call('PUT', '/fleet/pause', { reason: 'storm' })).toMatchObject({
      status: 200,
      body: { paused: { reason: 'storm' } },
    });
    expect(await operator.call('DELETE', '/fleet/pause')).toMatchObject({
      status: 200,
      body: { paused: null },
    });
    expect(await operator.call('POST', '/fleet/brake/release')).toMatchObject({
      status: 200,
      body: { brake: { state: 'closed' } },
    });
    expect(await operator.call('GET', '/fleet')).toMatchObject({
      status: 200,
      body: { restartsInFlight: [] },
    });
  });
});
