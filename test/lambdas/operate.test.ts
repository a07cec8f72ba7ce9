import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { RequestState } from '../../core/parking.ts';
import { aClaim, aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { REQUEST, rowItem } from './parked.ts';
import { cancelled, conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, orders, updates, puts, news } = world;

describe('quarantine', () => {
  const route = 'POST /workspaces/{workspaceId}/quarantine/release';
  const quarantine = { verdictId: aClaim().token, atMs: NOW_MS - 1, because: 'start-refused' };

  it('released - with a record, the whole budget back, and news', async () => {
    hold(aStoredWorkspace({ quarantine }));
    expect(await orders(route, { reason: 'disk mended' })).toMatchObject({ status: 200 });
    expect(puts()[0]?.Item?.['order']).toMatchObject({
      what: 'release-quarantine',
      reason: 'disk mended',
    });
    expect(updates()[0]).toMatchObject({
      UpdateExpression: 'REMOVE quarantine SET recentRestartsMs = :none',
      ExpressionAttributeValues: { ':none': [] },
    });
    expect(news()).toEqual(['workspace.released']);
  });

  it('there is none - 200, and nothing changes', async () => {
    hold(aStoredWorkspace());
    expect(await orders(route, {})).toMatchObject({ status: 200, body: { quarantine: null } });
    expect(updates()).toHaveLength(0);
  });

  it('shown with the workspace: since when, why, and by which verdict', async () => {
    hold(aStoredWorkspace({ quarantine }));
    expect(await orders(route, {})).toMatchObject({
      body: { quarantine: { because: 'start-refused', verdictId: quarantine.verdictId } },
    });
  });

  it('a restart is ordered meanwhile - 409; by force it is made', async () => {
    const order = 'POST /workspaces/{workspaceId}/restart';
    hold(aStoredWorkspace({ quarantine }));
    ec2Shows(world.aws, 'running');
    expect(await orders(order, { reason: 'again' })).toMatchObject({
      status: 409,
      body: { code: 'quarantined' },
    });
    expect(await orders(order, { reason: 'again', force: true })).toMatchObject({ status: 202 });
  });
});

describe('pause, settle, cancel', () => {
  it('a pause with an end in the past - refused', async () => {
    const attempt = orders('PUT /workspaces/{workspaceId}/pause', {
      reason: 'x',
      until: new Date(NOW_MS).toISOString(),
    });
    await expect(attempt).rejects.toMatchObject({ problems: [{ field: 'until' }] });
  });

  it('an unknown workspace - 404, nothing is created', async () => {
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    expect(await orders('PUT /workspaces/{workspaceId}/pause', { reason: 'x' })).toMatchObject({
      status: 404,
    });
  });

  it('an announced change - a settle window of the length that was asked for', async () => {
    hold(aStoredWorkspace());
    await orders('POST /workspaces/{workspaceId}/settle', { reason: 'new config', seconds: 90 });
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({ ':until': NOW_MS + 90_000 });
  });

  it('a longer window is open already - it does not move back', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 500_000 }));
    await orders('POST /workspaces/{workspaceId}/settle', { reason: 'new config', seconds: 90 });
    expect(updates()).toHaveLength(0);
  });

  /** A parked request that is in another state when its cancelling is written. */
  const becomes = (state: RequestState, written = true) => {
    hold(aStoredWorkspace(), [rowItem()]);
    world.aws.dynamo.on(TransactWriteCommand).callsFake(() => {
      hold(aStoredWorkspace(), [rowItem({ state })]);
      if (written) return {};
      throw cancelled();
    });
  };

  it.each([
    ['its owner', 'role/proxy', 'proxy', 200],
    ['an operator', 'role/operator', 'operator', 200],
    ['anybody else', 'role/other', 'other', 404],
  ])('a parked request is cancelled by %s - %4$i', async (_who, principal, roleName, status) => {
    becomes('cancelled');
    const changes = { params: { requestId: REQUEST }, caller: { principal, roleName, session: 's' } };
    expect(await orders('DELETE /requests/{requestId}', '', changes)).toMatchObject({ status });
  });

  it.each([
    ['delivering', 409],
    ['delivered', 409],
    ['cancelled', 200],
  ] as const)('another was faster, and it is %s by now - %i, and told so', async (state, status) => {
    becomes(state, false);
    const changes = { params: { requestId: REQUEST } };
    expect(await orders('DELETE /requests/{requestId}', '', changes)).toMatchObject({
      status,
      body: { state },
    });
  });
});
