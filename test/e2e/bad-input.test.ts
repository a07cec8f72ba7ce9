import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../local/api-client.ts';
import { assumeRole } from '../../local/callers.ts';
import { admin, as, aWorkspace, local, type TestWorkspace } from './fleet.ts';
import { until } from './wait.ts';

let ws: TestWorkspace;
let path: string;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.untilSettled();
  path = `/workspaces/${ws.workspaceId}`;
});

/** All that the table holds of the workspace and of idempotency keys: what must not change. */
async function snapshot(): Promise<string> {
  const items: unknown[] = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await admin.dynamodb.send(
      new ScanCommand({
        TableName: local.tableName,
        ConsistentRead: true,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey as Record<string, never> | undefined;
  } while (start);
  return JSON.stringify(
    items
      .filter((item) => JSON.stringify(item).includes(ws.workspaceId))
      .map((item) => JSON.stringify(item))
      .sort(),
  );
}

const refused = { error: { kind: 'refused' } };

describe('a bad call', () => {
  it.each([
    ['an empty body', 'POST', '/forward-errors', '', 'body'],
    ['malformed JSON', 'POST', '/forward-errors', '{"error":', 'body'],
    ['an array', 'POST', '/forward-errors', [], 'body'],
    ['a wrong type', 'POST', '/forward-errors', { error: { kind: 5 } }, 'error.kind'],
    ['an unknown field', 'POST', '/forward-errors', { ...refused, url: 'http://169.254.169.254/' }, 'url'],
    [
      'a number out of bounds',
      'POST',
      '/forward-errors',
      { ...refused, request: { method: 'GET', path: '/', expiresInSeconds: 0 } },
      'request.expiresInSeconds',
    ],
  ])(
    '%s - 400 invalid-input that names the field, nothing is written',
    async (_what, method, route, body, field) => {
      const before = await snapshot();
      const answer = await (await as('proxy')).call(method, `${path}${route}`, body);
      expect(answer).toMatchObject({
        status: 400,
        headers: { 'content-type': 'application/problem+json' },
        body: { code: 'invalid-input', errors: [{ field }] },
      });
      expect(await snapshot()).toBe(before);
    },
  );

  it('an unknown workspace - 404 unknown-workspace', async () => {
    const answer = await (await as('proxy')).call('POST', '/workspaces/nobody/forward-errors', refused);
    expect(answer).toMatchObject({ status: 404, body: { code: 'unknown-workspace' } });
  });

  it('a heartbeat for another instance - 403 wrong-instance, nothing is written', async () => {
    const before = await snapshot();
    const stranger = await as('agent', 'i-0fffffffffffffff0');
    const answer = await stranger.call('POST', `${path}/heartbeats`, { bootId: 'b', seq: 1 });
    expect(answer).toMatchObject({ status: 403, body: { code: 'wrong-instance' } });
    expect(await snapshot()).toBe(before);
  });

  it('without a signature, or with a wrong one - 403 by the gateway, nothing is written', async () => {
    const before = await snapshot();
    const proxy = await as('proxy');
    expect((await proxy.unsignedCall('POST', `${path}/forward-errors`, refused)).status).toBe(403);
    const { accessKeyId, sessionToken } = await assumeRole(local, 'proxy', 'forger');
    const forged = {
      accessKeyId,
      secretAccessKey: 'wrong',
      ...(sessionToken !== undefined && { sessionToken }),
    };
    const forger = new ApiClient({ apiUrl: local.apiUrl, region: local.region, credentials: forged });
    expect((await forger.call('POST', `${path}/forward-errors`, refused)).status).toBe(403);
    expect(await snapshot()).toBe(before);
  });

  it.each([
    ['proxy', 'PUT', '', { instanceId: 'i-0123456789abcdef0', port: 1 }],
    ['proxy', 'POST', '/restart', { reason: 'x' }],
    ['proxy', 'POST', '/heartbeats', { bootId: 'b', seq: 1 }],
    ['agent', 'POST', '/forward-errors', refused],
    ['agent', 'GET', '', undefined],
    ['operator', 'POST', '/heartbeats', { bootId: 'b', seq: 1 }],
  ] as const)(
    '%s calls %s %s, which is not its route - 403 by the gateway',
    async (role, method, route, body) => {
      const answer = await (await as(role)).call(method, `${path}${route}`, body);
      expect(answer.status).toBe(403);
    },
  );
});

describe('a bad message', () => {
  const queues = ['reprobe', 'restart', 'parked'] as const;
  const depth = async (url: string) => {
    const { Attributes } = await admin.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Number(Attributes?.['ApproximateNumberOfMessages']);
  };

  it.each(queues)(
    'that does not parse changes nothing and ends in the dead-letter queue (%s)',
    async (queue) => {
      const before = await snapshot();
      const deadLetters = local.queues[`${queue}Dlq`];
      const had = await depth(deadLetters);
      const isFifo = queue === 'parked';
      for (const MessageBody of [
        'not JSON',
        JSON.stringify({ v: 1, kind: 'odd', workspaceId: ws.workspaceId }),
      ]) {
        await admin.sqs.send(
          new SendMessageCommand({
            QueueUrl: local.queues[queue],
            MessageBody,
            ...(isFifo && {
              MessageGroupId: 'bad',
              MessageDeduplicationId: `${Date.now()}-${MessageBody.length}`,
            }),
          }),
        );
      }
      await until('both are set aside', async () =>
        (await depth(deadLetters)) === had + 2 ? true : undefined,
      );
      expect(await snapshot()).toBe(before);
    },
  );
});
