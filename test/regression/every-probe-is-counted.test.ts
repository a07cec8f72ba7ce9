/**
 * How EC2 answered deliver and operate was counted by nobody. The brake goes by what all functions were answered that ask
 * EC2 (decision 0010); where most requests wait, deliver asks it most.
 */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { env } from '../../lambdas/runtime/env-names.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS, QUEUE, TABLE } from '../lambdas/mocked-aws.ts';
import { aMessage, rowItem } from '../lambdas/parked.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  const variables: Record<keyof typeof env, string> = {
    ...(Object.fromEntries(Object.keys(env).map((name) => [name, QUEUE.parked])) as Record<
      keyof typeof env,
      string
    >),
    tableName: TABLE,
    policySettings: '{}',
    workspaceTag: '{"Key":"defib:workspace","Value":"true"}',
    localAddress: '',
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(env[name as keyof typeof env], value);
  vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS });
  aws = mockedAws();
  aws.ec2
    .on(DescribeInstancesCommand)
    .rejects(Object.assign(new Error('no'), { name: 'RequestLimitExceeded' }));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

/** What was written of EC2's answers. */
const counted = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .map((call) => call.args[0].input)
    .filter(({ Key }) => String(Key?.['sk']).startsWith('EC2#'))
    .map(({ ExpressionAttributeValues: values }) => values?.[':failed'] as number);

it('EC2 throttles deliver - it is counted for the brake', async () => {
  holds(aws, aStoredWorkspace(), [rowItem()]);
  const handle = {
    ...{ id: 'message-1', receiptHandle: 'handle-1', receives: 1 },
    ...{ sentAtMs: NOW_MS - 9000, firstReceivedAtMs: NOW_MS },
  };
  const body = { v: 1, kind: 'delivery', handle, parked: aMessage() };
  const { handler } = await import('../../lambdas/deliver/index.ts');
  await handler(
    {
      Records: [
        {
          ...{ messageId: 'd-1', receiptHandle: 'd-handle', body: JSON.stringify(body) },
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: String(NOW_MS),
            ApproximateFirstReceiveTimestamp: String(NOW_MS),
          },
        },
      ],
    } as never,
    {} as Context,
  );
  expect(aws.ec2.commandCalls(DescribeInstancesCommand)).not.toEqual([]);
  expect(counted()).toEqual([1]);
});

it('EC2 throttles operate - so too', async () => {
  const { handler } = await import('../../lambdas/operate/index.ts');
  const response = await handler(
    {
      version: '2.0',
      routeKey: 'PUT /workspaces/{workspaceId}',
      headers: {},
      pathParameters: { workspaceId: 'ws-9' },
      requestContext: {
        authorizer: { iam: { userArn: 'arn:aws:sts::000000000000:assumed-role/operator/session-1' } },
      },
      body: JSON.stringify({ instanceId: 'i-0123456789abcdef0', port: 8080 }),
      isBase64Encoded: false,
    } as never,
    {} as Context,
  );
  expect(JSON.parse(response.body ?? '')).toMatchObject({ code: 'ec2-unavailable' });
  expect(counted()).toEqual([1]);
});
