import {
  DeleteItemCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteQueueCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { routes, type Caller, type Route } from '../../core/routes.ts';
import type { ApiAnswer, ApiClient } from '../../local/api-client.ts';
import { assumeRole } from '../../local/callers.ts';
import type { QueueKey, RoleKey } from '../../local/local-info.ts';
import { anotherCaller } from './another-caller.ts';
import { aRequest, as, aWorkspace, bodyOf, instanceState, local, type TestWorkspace } from './fleet.ts';
import { snapshotOf } from './stores.ts';

let ws: TestWorkspace;
let keeper: TestWorkspace;
let requestId: string;
const callers: Record<string, ApiClient> = {};
beforeAll(async () => {
  [ws, keeper] = await Promise.all([aWorkspace(), aWorkspace()]);
  // While it is paused a request is kept, and nothing becomes of it.
  await (
    await as('operator')
  ).call('PUT', `/workspaces/${keeper.workspaceId}/pause`, { reason: 'access test' });
  const parked = await keeper.report({ error: { kind: 'refused' }, request: aRequest('owned') });
  requestId = bodyOf(parked)['requestId'] as string;
  callers['proxy'] = await as('proxy');
  callers['operator'] = await as('operator');
  callers['agent'] = await as('agent', ws.instanceId);
  callers['nobody'] = await anotherCaller('nobody', 'call nothing');
});

/** What the table holds of the workspaces; deliver notes on PARKED when it looked after the kept request. */
const itemsNow = async () => {
  const { items } = await snapshotOf(ws.workspaceId, keeper.workspaceId);
  return items.filter((item) => !item.includes('"sk":{"S":"PARKED"}'));
};
const pathOf = (route: Route) =>
  route.path
    .replace('{workspaceId}', ws.workspaceId)
    .replace('{requestId}', requestId)
    .replace('{verdictId}', '01KAVERDCTAAAAAAAAAAAAAAAA');

/** A refusal of the gateway: it is in its own form, and no function has run. */
const isByGateway = ({ status, body }: ApiAnswer) => status === 403 && !('code' in (body as object));

describe('a route, called with a parameter that no route takes', () => {
  const cases = (routes as readonly Route[]).flatMap((route) =>
    ['proxy', 'operator', 'agent', 'nobody'].map(
      (caller) => [caller, `${route.method} ${route.path}`, route] as const,
    ),
  );

  it.each(cases)(
    '%s calls %s - is let in if it is its own, and is refused by the gateway if not',
    async (caller, _key, route) => {
      const before = await itemsNow();
      const answer = await callers[caller]?.call(
        route.method,
        `${pathOf(route)}?matrix=1`,
        route.method === 'GET' ? undefined : {},
      );
      if (answer === undefined) throw new Error('no such caller');
      if (route.callers.includes(caller as Caller)) {
        expect(answer).toMatchObject({
          status: 400,
          body: { code: 'invalid-input', errors: [{ field: 'matrix' }] },
        });
      } else {
        expect(isByGateway(answer)).toBe(true);
      }
      expect(await itemsNow()).toEqual(before);
    },
  );
});

describe('a request of another caller', () => {
  it.each(['GET', 'DELETE'])(
    '%s by a proxy with a role of its own - byte for byte what a missing one gets',
    async (method) => {
      const stranger = await anotherCaller('other-proxy', 'call everything');
      const before = await itemsNow();
      const foreign = await stranger.call(method, `/requests/${requestId}`);
      const missing = await stranger.call(method, '/requests/01KANEVERWASAAAAAAAAAAAAAA');
      expect(foreign).toMatchObject({ status: 404, body: { code: 'unknown-request' } });
      const comparable = ({ status, headers, body }: ApiAnswer) => {
        const { date: _date, 'apigw-requestid': _id, 'x-amzn-requestid': _amznId, ...rest } = headers;
        const names = Object.keys(rest).filter((name) => !/request-?id|trace/i.test(name));
        return { status, body: JSON.stringify(body), headers: names.map((name) => [name, rest[name]]) };
      };
      expect(comparable(foreign)).toEqual(comparable(missing));
      expect(await itemsNow()).toEqual(before);
    },
  );

  it('is shown to who parked it, and to operators', async () => {
    for (const caller of ['proxy', 'operator']) {
      expect(await callers[caller]?.call('GET', `/requests/${requestId}`)).toMatchObject({ status: 200 });
    }
  });

  it('an agent of another instance beats for this workspace - 403, nothing is written', async () => {
    const before = await itemsNow();
    const stranger = await as('agent', 'i-0fffffffffffffff0');
    const answer = await stranger.call('POST', `/workspaces/${ws.workspaceId}/heartbeats`, {
      bootId: 'b',
      seq: 1,
    });
    expect(answer).toMatchObject({ status: 403, body: { code: 'wrong-instance' } });
    expect(await itemsNow()).toEqual(before);
  });
});

interface Clients {
  readonly ec2: EC2Client;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
}
const everyone: readonly RoleKey[] = (Object.keys(local.roles) as RoleKey[]).sort();
const functions = everyone.filter((role) => role.endsWith('Function'));
/** Who may write the table, by its permissions page; a condition that never holds keeps the writing from happening. */
const writers = functions.filter((role) => !['lookupFunction', 'heartbeatFunction'].includes(role));
const never = { ConditionExpression: 'attribute_exists(thisIsNever)' };
const key = { pk: { S: 'WS#nobody' }, sk: { S: 'STATE' } };
const message = (queue: QueueKey) => ({
  QueueUrl: local.queues[queue],
  MessageBody: 'x',
  ...(local.queues[queue].endsWith('.fifo') && { MessageGroupId: 'g', MessageDeduplicationId: 'd' }),
});

type Act = readonly [name: string, act: (clients: Clients) => Promise<unknown>, allowed: readonly RoleKey[]];
const power = () => ({ InstanceIds: [ws.instanceId], DryRun: true });
const acts: readonly Act[] = [
  ['ec2:StopInstances', ({ ec2 }) => ec2.send(new StopInstancesCommand(power())), ['restartFunction']],
  ['ec2:StartInstances', ({ ec2 }) => ec2.send(new StartInstancesCommand(power())), ['restartFunction']],
  ['ec2:TerminateInstances', ({ ec2 }) => ec2.send(new TerminateInstancesCommand(power())), []],
  [
    'ec2:RebootInstances',
    ({ ec2 }) => ec2.send(new RebootInstancesCommand({ InstanceIds: [ws.instanceId] })),
    [],
  ],
  [
    'ec2:CreateTags',
    ({ ec2 }) => ec2.send(new CreateTagsCommand({ Resources: [ws.instanceId], Tags: [local.workspaceTag] })),
    [],
  ],
  [
    'ec2:DeleteTags',
    ({ ec2 }) => ec2.send(new DeleteTagsCommand({ Resources: [ws.instanceId], Tags: [{ Key: 'x' }] })),
    [],
  ],
  [
    'ec2:ModifyInstanceAttribute',
    ({ ec2 }) =>
      ec2.send(
        new ModifyInstanceAttributeCommand({
          InstanceId: ws.instanceId,
          UserData: { Value: new Uint8Array() },
        }),
      ),
    [],
  ],
  ...(['parked', 'restart', 'reprobe', 'parkedDlq'] as const).flatMap((queue): Act[] => [
    [
      `sqs:PurgeQueue on ${queue}`,
      ({ sqs }) => sqs.send(new PurgeQueueCommand({ QueueUrl: local.queues[queue] })),
      [],
    ],
    [
      `sqs:DeleteQueue on ${queue}`,
      ({ sqs }) => sqs.send(new DeleteQueueCommand({ QueueUrl: local.queues[queue] })),
      [],
    ],
    [
      `sqs:SetQueueAttributes on ${queue}`,
      ({ sqs }) =>
        sqs.send(
          new SetQueueAttributesCommand({ QueueUrl: local.queues[queue], Attributes: { Policy: '' } }),
        ),
      [],
    ],
  ]),
  [
    'sqs:ReceiveMessage on parkedDlq',
    ({ sqs }) => sqs.send(new ReceiveMessageCommand({ QueueUrl: local.queues.parkedDlq })),
    [],
  ],
  [
    'sqs:ReceiveMessage on parked',
    ({ sqs }) => sqs.send(new ReceiveMessageCommand({ QueueUrl: local.queues.parked, VisibilityTimeout: 0 })),
    ['deliverFunction'],
  ],
  [
    'sqs:ReceiveMessage on restart',
    ({ sqs }) =>
      sqs.send(new ReceiveMessageCommand({ QueueUrl: local.queues.restart, VisibilityTimeout: 0 })),
    ['restartFunction'],
  ],
  [
    'dynamodb:Scan',
    ({ dynamodb }) => dynamodb.send(new ScanCommand({ TableName: local.tableName, Limit: 1 })),
    [],
  ],
  [
    'dynamodb:DeleteTable',
    ({ dynamodb }) => dynamodb.send(new DeleteTableCommand({ TableName: local.tableName })),
    [],
  ],
  [
    'dynamodb:GetItem',
    ({ dynamodb }) => dynamodb.send(new GetItemCommand({ TableName: local.tableName, Key: key })),
    functions,
  ],
  [
    'dynamodb:PutItem',
    ({ dynamodb }) => dynamodb.send(new PutItemCommand({ TableName: local.tableName, Item: key, ...never })),
    writers,
  ],
  [
    'dynamodb:DeleteItem',
    ({ dynamodb }) =>
      dynamodb.send(new DeleteItemCommand({ TableName: local.tableName, Key: key, ...never })),
    writers,
  ],
  [
    'dynamodb:UpdateItem',
    ({ dynamodb }) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName: local.tableName,
          Key: key,
          UpdateExpression: 'SET a = :a',
          ExpressionAttributeValues: { ':a': { S: 'x' } },
          ...never,
        }),
      ),
    [...writers, 'heartbeatFunction'],
  ],
];
/** Who may send to the queue that orders restarts: only asked of those who may not. */
const mayNotOrder: readonly RoleKey[] = everyone.filter(
  (role) => !['reprobeFunction', 'sweepFunction', 'operateFunction'].includes(role),
);

async function clientsOf(role: RoleKey): Promise<Clients> {
  const shared = {
    region: local.region,
    credentials: await assumeRole(local, role, 'access-test'),
    maxAttempts: 1,
  };
  return {
    ec2: new EC2Client({ ...shared, endpoint: local.ec2ProxyUrl }),
    sqs: new SQSClient({ ...shared, endpoint: local.endpointUrl }),
    dynamodb: new DynamoDBClient({ ...shared, endpoint: local.endpointUrl }),
  };
}

/** What an act came to: IAM let it through, or not. A dry run and a condition that fails are let through. */
async function outcomeOf(act: Promise<unknown>): Promise<'allowed' | 'denied'> {
  try {
    await act;
    return 'allowed';
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (/^(UnauthorizedOperation|AccessDenied(Exception)?|AuthorizationError)$/.test(name)) return 'denied';
    if (/^(DryRunOperation|ConditionalCheckFailedException)$/.test(name)) return 'allowed';
    throw error;
  }
}

describe.each(everyone)('the role %s', (role) => {
  it('may do of all that is dangerous only what its work needs', async () => {
    const clients = await clientsOf(role);
    const found: Record<string, string> = {};
    const wanted: Record<string, string> = {};
    for (const [name, act, allowed] of acts) {
      wanted[name] = allowed.includes(role) ? 'allowed' : 'denied';
      found[name] = await outcomeOf(act(clients));
    }
    expect(found).toEqual(wanted);
    expect(await instanceState(ws.instanceId)).toBe('running');
  });
});

it.each(mayNotOrder)('the role %s can order no restart by a message', async (role) => {
  const { sqs } = await clientsOf(role);
  expect(await outcomeOf(sqs.send(new SendMessageCommand(message('restart'))))).toBe('denied');
});
