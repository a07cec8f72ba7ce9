import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { readWorkspaceItem } from '../../lambdas/adapters/workspace-item.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { apiCall } from './calls.ts';
import { INSTANCE } from './claimed.ts';
import { sizeItem } from './fleet-items.ts';
import { memoryTable, type MemoryTable } from './memory-table.ts';
import { aClaim, aStoredWorkspace, dated, itemOf, mockedAws, NOW_MS } from './mocked-aws.ts';
import { allPortsOver } from './one-workspace.ts';

const OTHER = 'i-0fedcba9876543210';
let aws: ReturnType<typeof mockedAws>;
let table: MemoryTable;
let ports: Parameters<typeof handleOperate>[1];
beforeEach(() => {
  aws = mockedAws();
  table = memoryTable(aws, () => NOW_MS);
  ports = allPortsOver(aws);
  aws.ec2.on(DescribeInstancesCommand).callsFake(() => ({
    Reservations: [INSTANCE, OTHER].map((InstanceId) => ({
      Instances: [
        {
          InstanceId,
          State: { Name: 'running' },
          LaunchTime: new Date(NOW_MS - 7_200_000),
          Tags: [{ Key: 'defib:workspace', Value: 'true' }],
        },
      ],
    })),
  }));
  table.put(sizeItem(5));
});

const stored = (changes: Record<string, unknown>) =>
  table.put({ ...itemOf(aStoredWorkspace({ generation: 7 })), ...changes });
const put = (instanceId = INSTANCE) =>
  handleOperate(
    apiCall(
      'PUT /workspaces/{workspaceId}',
      { instanceId, port: 8080 },
      { caller: { principal: 'role/operator', roleName: 'operator', session: 's' } },
    ),
    ports,
  );
const item = () => table.item('WS#ws-1', 'STATE');
const workspace = () => readWorkspaceItem(item());

describe('an item that cannot be read is registered again', () => {
  it.each([
    ['a path that is no text', { path: 5 }],
    ['no heartbeat that anybody knows', { heartbeat: 'yesterday' }],
    ['no version', { v: 'one' }],
    ['a claim that is none, and what nobody knows', { claim: { token: 'x' }, other: { deep: [1] } }],
  ])('%s - made whole: a generation further, a settle window, nothing of it left', async (_what, changes) => {
    stored(changes);
    expect(workspace()).toBe('malformed');
    expect(await put()).toMatchObject({ status: 200, body: { workspaceId: 'ws-1', instanceId: INSTANCE } });
    expect(workspace()).toMatchObject({
      generation: 8,
      path: '/',
      settleUntilMs: NOW_MS + 60_000,
      freshUntilMs: 0,
      recentRestartsMs: [],
    });
    expect(item()).not.toHaveProperty('claim');
    expect(item()).not.toHaveProperty('heartbeat');
    expect(item()).not.toHaveProperty('other');
    expect(table.item('FLEET', 'SIZE')).toMatchObject({ workspaces: 5 });
  });

  it('its generation cannot be read either - one that is higher than any other', async () => {
    stored({ generation: -3 });
    await put();
    expect(workspace()).toMatchObject({ generation: NOW_MS });
  });

  it('it was paused - it stays paused, unless that cannot be read', async () => {
    const pause = { by: 'role/operator', reason: 'look' };
    stored({ path: 5, pause });
    await put();
    expect(workspace()).toMatchObject({ pause });
    stored({ path: 5, pause: 'please' });
    await put();
    expect(workspace()).not.toHaveProperty('pause');
  });

  it('with another instance - found under that one from then on, and no longer under the old one', async () => {
    stored({ path: 5 });
    table.put({ pk: `INSTANCE#${INSTANCE}`, sk: 'WORKSPACES', workspaceIds: new Set(['ws-1', 'ws-2']) });
    await put(OTHER);
    expect(workspace()).toMatchObject({ instanceId: OTHER });
    expect(table.item(`INSTANCE#${OTHER}`, 'WORKSPACES')?.['workspaceIds']).toEqual(new Set(['ws-1']));
    expect(table.item(`INSTANCE#${INSTANCE}`, 'WORKSPACES')?.['workspaceIds']).toEqual(new Set(['ws-2']));
  });

  it('a newer version wrote it - left as it is, and the call fails', async () => {
    stored({ v: 2, path: { of: 'another kind' } });
    const before = item();
    await expect(put()).rejects.toThrow('newer version');
    expect(item()).toEqual(before);
  });

  it.each([
    ['something in it was changed', { path: 6 }],
    ['a claim was opened', { path: 5, claim: aClaim() }],
    ['it was made whole', { path: '/other' }],
  ])('%s since it was read - a conflict, and left as it is', async (_what, changes) => {
    stored({ path: 5 });
    const read = item();
    stored(changes);
    aws.dynamo.on(GetCommand).callsFake(() => ({ Item: read, $metadata: dated() }));
    expect(await put()).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(item()).toMatchObject(changes);
  });

  it('it is whole at the second look - a conflict, and left as it is', async () => {
    stored({});
    const settles = { fromMs: NOW_MS, untilMs: NOW_MS };
    const { workspaceId, instanceId, port, protocol, path, desired } = aStoredWorkspace();
    const registration = { workspaceId, instanceId, port, protocol, path, desired };
    expect(await ports.registry.mend(registration, settles)).toBe('conflict');
    expect(await ports.registry.mend({ ...registration, workspaceId: 'ws-9' }, settles)).toBe('conflict');
  });
});
