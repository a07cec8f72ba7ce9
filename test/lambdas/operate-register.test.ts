import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';

const world = oneWorkspace();
const { hold, orders, updates, transactions } = world;

const taggedInstance = (tags: { Key: string; Value: string }[], launchTimeMs = NOW_MS - 7_200_000) =>
  world.aws.ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [
      {
        Instances: [
          {
            InstanceId: 'i-0123456789abcdef0',
            State: { Name: 'running' },
            LaunchTime: new Date(launchTimeMs),
            Tags: tags,
          },
        ],
      },
    ],
  });

describe('register', () => {
  const route = 'PUT /workspaces/{workspaceId}';
  const body = { instanceId: 'i-0123456789abcdef0', port: 8080 };

  it('a new workspace - written with a settle window from its registration, and counted, in one transaction', async () => {
    taggedInstance([{ Key: 'defib:workspace', Value: 'true' }]);
    await orders(route, body);
    const [items] = transactions();
    expect(items).toHaveLength(3);
    expect(items?.[0]?.Update?.ExpressionAttributeValues).toMatchObject({
      ':settleUntil': NOW_MS + 60_000,
      ':because': 'registration',
      ':desired': 'running',
    });
    expect(items?.[1]?.Update?.Key).toEqual({ pk: 'FLEET', sk: 'SIZE' });
    expect(items?.[2]?.Update).toMatchObject({
      Key: { pk: 'INSTANCE#i-0123456789abcdef0', sk: 'WORKSPACES' },
      ExpressionAttributeValues: { ':workspaces': new Set(['ws-1']) },
    });
  });

  it('another instance for a known workspace - a new generation, and an open claim is closed in the same write', async () => {
    hold(aStoredWorkspace({ instanceId: 'i-0aaaaaaaaaaaaaaaa' }));
    taggedInstance([{ Key: 'defib:workspace', Value: 'true' }]);
    await orders(route, body);
    const update = transactions()[0]?.[0]?.Update;
    expect(update?.UpdateExpression).toMatch(/REMOVE removed, heartbeat, evidence, claim/);
    expect(update?.ConditionExpression).toBe('generation = :generation AND instanceId = :oldInstanceId');
    expect(update?.UpdateExpression).toContain('gone, quarantine, withheld');
    expect(
      transactions()[0]
        ?.slice(1)
        .map((item) => [item.Update?.Key?.['pk'] as unknown, item.Update?.UpdateExpression]),
    ).toEqual([
      ['INSTANCE#i-0123456789abcdef0', 'ADD workspaceIds :workspaces'],
      ['INSTANCE#i-0aaaaaaaaaaaaaaaa', 'DELETE workspaceIds :workspaces'],
    ]);
  });

  it('the same instance again - no new generation, no new settle window', async () => {
    hold(aStoredWorkspace());
    expect(await orders(route, { ...body, port: 9090 })).toMatchObject({ status: 200 });
    expect(updates()[0]?.UpdateExpression).not.toContain('settleUntilMs');
    expect(world.aws.ec2.calls()).toHaveLength(0);
  });

  it('an instance without the tag of the fleet - 403, nothing is written', async () => {
    taggedInstance([{ Key: 'Name', Value: 'x' }]);
    expect(await orders(route, body)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(updates().length + transactions().length).toBe(0);
  });

  it('an instance that EC2 does not know - 400 by the name of the field', async () => {
    world.aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await orders(route, body)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'instanceId' }] },
    });
  });

  it('EC2 does not answer - 503 ec2-unavailable, nothing is written', async () => {
    world.aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'InternalError' }));
    expect(await orders(route, body)).toMatchObject({ status: 503, body: { code: 'ec2-unavailable' } });
  });

  it('an impossible policy - refused, naming both numbers', async () => {
    const attempt = orders(route, { ...body, policy: { reprobeSeconds: 10, evidenceSeconds: 20 } });
    await expect(attempt).rejects.toMatchObject({ message: expect.stringMatching(/30.*20/) as unknown });
  });

  it.each([
    [{ port: 8080 }, 'instanceId'],
    [{ ...body, port: 0 }, 'port'],
    [{ ...body, port: '80' }, 'port'],
    [{ ...body, url: 'http://x' }, 'url'],
    [{ ...body, policy: { brakeMinimum: 5 } }, 'policy.brakeMinimum'],
  ])('%o - refused by the name of the field', async (bad, field) => {
    await expect(orders(route, bad)).rejects.toMatchObject({ problems: [{ field }] });
  });
});
