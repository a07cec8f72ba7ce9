import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import { apiCall } from './calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
  TABLE,
} from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleOperate>[1];
beforeEach(() => {
  aws = mockedAws();
  ports = {
    ...portsOver(aws),
    registry: registry(openTable(TABLE)),
    workspaceTag: { Key: 'defib:workspace', Value: 'true' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
});

const operate = async (route: string, body: unknown, changes: Partial<ApiCall> = {}) =>
  handleOperate(
    apiCall(route, body, {
      caller: { principal: 'role/operator', roleName: 'operator', session: 's' },
      ...changes,
    }),
    ports,
  );
const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
const transactions = () =>
  aws.dynamo.commandCalls(TransactWriteCommand).map((call) => call.args[0].input.TransactItems);
const taggedInstance = (tags: { Key: string; Value: string }[], launchTimeMs = NOW_MS - 7_200_000) =>
  aws.ec2.on(DescribeInstancesCommand).resolves({
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
    await operate(route, body);
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
    holds(aws, aStoredWorkspace({ instanceId: 'i-0aaaaaaaaaaaaaaaa' }));
    taggedInstance([{ Key: 'defib:workspace', Value: 'true' }]);
    await operate(route, body);
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
    holds(aws, aStoredWorkspace());
    expect(await operate(route, { ...body, port: 9090 })).toMatchObject({ status: 200 });
    expect(updates()[0]?.UpdateExpression).not.toContain('settleUntilMs');
    expect(aws.ec2.calls()).toHaveLength(0);
  });

  it('an instance without the tag of the fleet - 403, nothing is written', async () => {
    taggedInstance([{ Key: 'Name', Value: 'x' }]);
    expect(await operate(route, body)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(updates().length + transactions().length).toBe(0);
  });

  it('an instance that EC2 does not know - 400 by the name of the field', async () => {
    aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await operate(route, body)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'instanceId' }] },
    });
  });

  it('EC2 does not answer - 503 ec2-unavailable, nothing is written', async () => {
    aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'InternalError' }));
    expect(await operate(route, body)).toMatchObject({ status: 503, body: { code: 'ec2-unavailable' } });
  });

  it('an impossible policy - refused, naming both numbers', async () => {
    const attempt = operate(route, { ...body, policy: { reprobeSeconds: 10, evidenceSeconds: 20 } });
    await expect(attempt).rejects.toMatchObject({ message: expect.stringMatching(/30.*20/) as unknown });
  });

  it.each([
    [{ port: 8080 }, 'instanceId'],
    [{ ...body, port: 0 }, 'port'],
    [{ ...body, port: '80' }, 'port'],
    [{ ...body, url: 'http://x' }, 'url'],
    [{ ...body, policy: { brakeMinimum: 5 } }, 'policy.brakeMinimum'],
  ])('%o - refused by the name of the field', async (bad, field) => {
    await expect(operate(route, bad)).rejects.toMatchObject({ problems: [{ field }] });
  });
});

describe('an order leaves a record before it leaves anything else (S35)', () => {
  const records = () =>
    aws.dynamo.commandCalls(PutCommand).map((call) => call.args[0].input.Item?.['order'] as object);
  const asClaimed = () =>
    updates().filter((update) => update.UpdateExpression?.startsWith('SET claim =')).length;

  it('a restart - who, why, and what EC2 had said', async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'running');
    await operate('POST /workspaces/{workspaceId}/restart', { reason: 'upgrade', force: true });
    expect(records()).toMatchObject([
      { what: 'force-restart', by: 'role/operator', reason: 'upgrade', probe: { state: 'running' } },
    ]);
    expect(asClaimed()).toBe(1);
  });

  it('the record cannot be written - nothing is claimed', async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'running');
    aws.dynamo.on(PutCommand).rejects(new Error('down'));
    await expect(operate('POST /workspaces/{workspaceId}/restart', { reason: 'upgrade' })).rejects.toThrow(
      'down',
    );
    expect(asClaimed()).toBe(0);
  });
});

describe('a restart that waits for a yes', () => {
  const route = 'POST /workspaces/{workspaceId}/restart/approve';
  const waiting = { ...aClaim(), step: 'awaiting-approval' as const };

  it('yes - goes on to its admission under a new epoch, with the record first, and is sent', async () => {
    holds(aws, aStoredWorkspace({ claim: waiting }));
    expect(await operate(route, { reason: 'seen it' })).toMatchObject({
      status: 202,
      body: { claim: { token: waiting.token, step: 'awaiting-admission' } },
    });
    expect(aws.dynamo.commandCalls(PutCommand)[0]?.args[0].input.Item?.['order']).toMatchObject({
      what: 'approve-restart',
      by: 'role/operator',
      reason: 'seen it',
      token: waiting.token,
    });
    expect(updates()[0]?.ConditionExpression).toContain('claim.#step = :step');
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
      ':step': 'awaiting-approval',
      ':claim': { step: 'awaiting-admission', epoch: 1, deadlineMs: NOW_MS + 900_000 },
    });
    const sent = aws.sqs.commandCalls(SendMessageCommand)[0]?.args[0].input;
    expect(sent?.QueueUrl).toBe(QUEUE.restart);
    expect(JSON.parse(sent?.MessageBody ?? '')).toMatchObject({ token: waiting.token, epoch: 1 });
  });

  it('no body - a yes needs no reason', async () => {
    holds(aws, aStoredWorkspace({ claim: waiting }));
    expect(await operate(route, '')).toMatchObject({ status: 202 });
  });

  it.each([
    ['no claim is open', {}],
    ['the claim needs none, or was given it', { claim: aClaim() }],
  ])('%s - 409, and nothing is written', async (_why, changes) => {
    holds(aws, aStoredWorkspace(changes));
    expect(await operate(route, {})).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(updates()).toHaveLength(0);
  });

  it('two say yes at once - the second finds it given', async () => {
    holds(aws, aStoredWorkspace({ claim: waiting }));
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    expect(await operate(route, {})).toMatchObject({ status: 409 });
    expect(aws.sqs.commandCalls(SendMessageCommand)).toHaveLength(0);
  });
});

describe('quarantine', () => {
  const route = 'POST /workspaces/{workspaceId}/quarantine/release';
  const quarantine = { verdictId: aClaim().token, atMs: NOW_MS - 1, because: 'start-refused' };

  it('released - with a record, the whole budget back, and news', async () => {
    holds(aws, aStoredWorkspace({ quarantine }));
    expect(await operate(route, { reason: 'disk mended' })).toMatchObject({ status: 200 });
    expect(aws.dynamo.commandCalls(PutCommand)[0]?.args[0].input.Item?.['order']).toMatchObject({
      what: 'release-quarantine',
      reason: 'disk mended',
    });
    expect(updates()[0]).toMatchObject({
      UpdateExpression: 'REMOVE quarantine SET recentRestartsMs = :none',
      ExpressionAttributeValues: { ':none': [] },
    });
    expect(
      aws.bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries?.[0]?.DetailType),
    ).toEqual(['workspace.released']);
  });

  it('there is none - 200, and nothing changes', async () => {
    holds(aws, aStoredWorkspace());
    expect(await operate(route, {})).toMatchObject({ status: 200, body: { quarantine: null } });
    expect(updates()).toHaveLength(0);
  });

  it('shown with the workspace: since when, why, and by which verdict', async () => {
    holds(aws, aStoredWorkspace({ quarantine }));
    expect(await operate(route, {})).toMatchObject({
      body: { quarantine: { because: 'start-refused', verdictId: quarantine.verdictId } },
    });
  });

  it('a restart is ordered meanwhile - 409; by force it is made', async () => {
    const order = 'POST /workspaces/{workspaceId}/restart';
    holds(aws, aStoredWorkspace({ quarantine }));
    ec2Shows(aws, 'running');
    expect(await operate(order, { reason: 'again' })).toMatchObject({
      status: 409,
      body: { code: 'quarantined' },
    });
    expect(await operate(order, { reason: 'again', force: true })).toMatchObject({ status: 202 });
  });
});

describe('restart by order', () => {
  const route = 'POST /workspaces/{workspaceId}/restart';
  const restarts = () =>
    aws.sqs.commandCalls(SendMessageCommand).filter((call) => call.args[0].input.QueueUrl === QUEUE.restart);

  it('a running workspace - 202 with the claim, which names the boot and LaunchTime of this moment', async () => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'running');
    expect(await operate(route, { reason: 'please' })).toMatchObject({
      status: 202,
      body: { claim: { reason: 'please' } },
    });
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      kind: 'operator',
      bootId: 'boot-a',
      launchTimeMs: NOW_MS - 7_200_000,
    });
    expect(updates()[0]?.ConditionExpression).not.toContain('freshUntilMs');
    expect(restarts()).toHaveLength(1);
  });

  it.each([
    ['a claim is open', { claim: aClaim() }, 'restarting', false],
    ['inside the settle window', { settleUntilMs: NOW_MS + 1000 }, 'settling', false],
    ['paused', { pause: { by: 'x', reason: 'y' } }, 'paused', false],
    ['wanted stopped, even by force', { desired: 'stopped' as const }, 'paused', true],
    ['a claim is open, even by force', { claim: aClaim() }, 'restarting', true],
    [
      'three restarts lately',
      { recentRestartsMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1] },
      'restart-budget-spent',
      false,
    ],
  ])('%s - 409, nothing is claimed', async (_what, changes, code, force) => {
    holds(aws, aStoredWorkspace(changes));
    ec2Shows(aws, 'running');
    expect(await operate(route, { reason: 'please', force })).toMatchObject({ status: 409, body: { code } });
    expect(restarts()).toHaveLength(0);
  });

  it('force overrides settle window, pause and budget', async () => {
    holds(
      aws,
      aStoredWorkspace({
        settleUntilMs: NOW_MS + 1000,
        pause: { by: 'x', reason: 'y' },
        recentRestartsMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1],
      }),
    );
    ec2Shows(aws, 'running');
    expect(await operate(route, { reason: 'please', force: true })).toMatchObject({ status: 202 });
    expect(updates()[0]?.ConditionExpression).not.toMatch(/:settledBefore|pause/);
  });

  it('the same Idempotency-Key within a day - the first answer, no second claim', async () => {
    const answer = { status: 202, headers: {}, body: { workspaceId: 'ws-1' } };
    const value = {
      fingerprint: ports.ids.fingerprint(JSON.stringify({ reason: 'please', forced: false })),
      answer,
    };
    holds(aws, aStoredWorkspace(), [{ pk: 'IDEM#role/operator#ws-1#restart:k1', sk: 'ANSWER', value }]);
    const changes = { headers: { 'idempotency-key': 'k1' } };
    expect(await operate(route, { reason: 'please' }, changes)).toEqual(answer);
    expect(updates()).toHaveLength(0);
  });
});

describe('pause, settle, cancel', () => {
  it('a pause with an end in the past - refused', async () => {
    const attempt = operate('PUT /workspaces/{workspaceId}/pause', {
      reason: 'x',
      until: new Date(NOW_MS).toISOString(),
    });
    await expect(attempt).rejects.toMatchObject({ problems: [{ field: 'until' }] });
  });

  it('an unknown workspace - 404, nothing is created', async () => {
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    expect(await operate('PUT /workspaces/{workspaceId}/pause', { reason: 'x' })).toMatchObject({
      status: 404,
    });
  });

  it('an announced change - a settle window of the length that was asked for', async () => {
    holds(aws, aStoredWorkspace());
    await operate('POST /workspaces/{workspaceId}/settle', { reason: 'new config', seconds: 90 });
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({ ':until': NOW_MS + 90_000 });
  });

  it('a longer window is open already - it does not move back', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 500_000 }));
    await operate('POST /workspaces/{workspaceId}/settle', { reason: 'new config', seconds: 90 });
    expect(updates()).toHaveLength(0);
  });

  const requestId = '01KAREQESTAAAAAAAAAAAAAAAA';
  /** A parked request that is in another state when its cancelling is written. */
  const becomes = (state: string, written = true) => {
    const request = {
      pk: `REQ#${requestId}`,
      sk: 'REQUEST',
      requestId,
      workspaceId: 'ws-1',
      caller: 'role/proxy',
      state: 'parked',
      bodyBytes: 1,
      acceptedAtMs: NOW_MS,
      expiresAtMs: NOW_MS,
    };
    holds(aws, aStoredWorkspace(), [request]);
    aws.dynamo.on(TransactWriteCommand).callsFake(() => {
      holds(aws, aStoredWorkspace(), [{ ...request, state }]);
      if (written) return {};
      throw new TransactionCanceledException({
        message: 'no',
        $metadata: {},
        CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
      });
    });
  };

  it.each([
    ['its owner', 'role/proxy', 'proxy', 200],
    ['an operator', 'role/operator', 'operator', 200],
    ['anybody else', 'role/other', 'other', 404],
  ])('a parked request is cancelled by %s - %4$i', async (_who, principal, roleName, status) => {
    becomes('cancelled');
    const changes = { params: { requestId }, caller: { principal, roleName, session: 's' } };
    expect(await operate('DELETE /requests/{requestId}', '', changes)).toMatchObject({ status });
  });

  it.each([
    ['delivering', 409],
    ['delivered', 409],
    ['cancelled', 200],
  ] as const)('another was faster, and it is %s by now - %i, and told so', async (state, status) => {
    becomes(state, false);
    const changes = { params: { requestId } };
    expect(await operate('DELETE /requests/{requestId}', '', changes)).toMatchObject({
      status,
      body: { state },
    });
  });
});
