import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { BatchGetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import { receiptItem } from './claimed.ts';
import { aClaim, aStoredWorkspace, dated, ec2Shows, itemOf, NOW_MS, QUEUE, TABLE } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { sentTo } from './parked.ts';
import { cancelled, conditionFailed, FAILED } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, fails, updates, transactions, probes, counted } = world;

const refused = { error: { kind: 'refused' } };
const sent = (queue: keyof typeof QUEUE) => sentTo(world.aws, queue);
const ask = (body: unknown) => handleForwardError(forwardError(body), world.ports);

describe('a workspace that settles, is paused or is being restarted', () => {
  it('inside the settle window - busy without a probe, and the request is parked', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
    const answer = await fails();
    expect(answer).toMatchObject({
      status: 202,
      body: { verdict: 'busy', reason: 'settling', code: 'parked', position: 1 },
    });
    expect(probes()).toBe(0);
    expect(sent('parked')).toHaveLength(1);
    expect(sent('reprobe')).toHaveLength(0);
  });

  it('a claim is open - busy without a probe, however many calls come', async () => {
    hold(aStoredWorkspace({ claim: aClaim() }));
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(refused)));
    expect(answers.map((answer) => answer.body?.['reason'])).toEqual(Array(5).fill('restarting'));
    expect(probes()).toBe(0);
  });

  it('paused, and the policy refuses - 409, nothing is parked', async () => {
    hold(
      aStoredWorkspace({
        pause: { by: 'role/op', reason: 'maintenance' },
        settings: { whenPaused: 'refuse' },
      }),
    );
    const answer = await fails();
    expect(answer).toMatchObject({ status: 409, body: { code: 'paused' } });
    expect(sent('parked')).toHaveLength(0);
  });

  it('without a request there is nothing to park - busy is 503 with Retry-After', async () => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
    const answer = await ask(refused);
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { code: 'busy', verdict: 'busy' },
    });
  });
});

describe('a workspace whose instance is looked at', () => {
  it('the probe says stopped but a beat is 0.7 s old - busy after one probe, nothing is restarted', async () => {
    hold(aStoredWorkspace({ freshUntilMs: NOW_MS + 14_300 }));
    ec2Shows(world.aws, 'stopped');
    const answer = await fails();
    expect(answer).toMatchObject({ status: 202, body: { verdict: 'busy', reason: 'heartbeat-fresh' } });
    expect(probes()).toBe(1);
    expect(sent('reprobe')).toHaveLength(0);
  });

  it('running and the connection is refused - 503 agent-restarting, and the request is not parked', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    const answer = await fails();
    expect(answer).toMatchObject({ status: 503, body: { code: 'agent-restarting', verdict: 'alive' } });
    expect(sent('parked')).toHaveLength(0);
  });

  it('running after a deadline - 202 upstream-busy, parked as ambiguous', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    const answer = await ask({ error: { kind: 'deadline' }, request: aRequest });
    expect(answer).toMatchObject({ status: 202, body: { code: 'upstream-busy', verdict: 'alive' } });
    const row = transactions()
      .flat()
      .find((item) => item.Put?.Item?.['sk'] === 'REQUEST');
    expect(row?.Put?.Item).toMatchObject({ ambiguous: true, state: 'accepting' });
  });

  it('an upstream 502 and a busy workspace - 202, as for a transport error', async () => {
    hold(aStoredWorkspace({ freshUntilMs: NOW_MS + 5000 }));
    ec2Shows(world.aws, 'stopped');
    const report = { error: { kind: 'upstream', status: 502 }, request: aRequest };
    expect(await ask(report)).toMatchObject({
      status: 202,
      body: { verdict: 'busy' },
    });
  });

  it('an upstream 502 and an alive workspace - 502 that names the upstream status', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    const answer = await ask({ error: { kind: 'upstream', status: 502 } });
    expect(answer).toMatchObject({ status: 502, body: { code: 'upstream-error', upstreamStatus: 502 } });
  });

  it.each(['RequestLimitExceeded', 'InternalError', 'UnauthorizedOperation'])(
    'EC2 answers %s a hundred times - no evidence, no re-probe of a sighting, nobody is restarted',
    async (code) => {
      hold(aStoredWorkspace());
      world.aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(code), { name: code }));
      for (let i = 0; i < 100; i++) await ask(refused);
      expect(updates().filter((update) => update.UpdateExpression?.includes('evidence'))).toHaveLength(0);
      expect(sent('restart')).toHaveLength(0);
    },
  );

  it('the caller tried another instance than the registered one - busy, moved, without a probe', async () => {
    hold(aStoredWorkspace());
    const answer = await ask({ error: { kind: 'eof', instanceId: 'i-0aaaaaaaaaaaaaaaa' } });
    expect(answer).toMatchObject({ body: { verdict: 'busy', reason: 'moved' } });
    expect(probes()).toBe(0);
  });

  it('the answer holds other instances only - absent is unknown, never a sighting', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'stopped', { instanceId: 'i-0ffffffffffffffff' });
    const answer = await ask(refused);
    expect(answer.body).toMatchObject({ verdict: 'busy', reason: 'probe-inconclusive' });
  });

  it('another call probes at this moment - no second probe', async () => {
    hold(aStoredWorkspace());
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    const answer = await ask(refused);
    expect(answer.body).toMatchObject({ verdict: 'busy', reason: 'probe-shared' });
    expect(probes()).toBe(0);
  });

  it.each([6000, -7000])(
    'the database clock is %i ms away from our own - busy, whatever the probe says',
    async (skewMs) => {
      const workspace = aStoredWorkspace();
      world.aws.dynamo
        .on(BatchGetCommand)
        .resolves({ Responses: { [TABLE]: [itemOf(workspace)] }, $metadata: dated(NOW_MS + skewMs) });
      ec2Shows(world.aws, 'stopped');
      const answer = await ask(refused);
      expect(answer.body).toMatchObject({ verdict: 'busy', reason: 'clock-unsure' });
      expect(counted()).toContain('FactsInDoubt');
    },
  );
});

describe('a suspect', () => {
  beforeEach(() => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'stopped');
  });

  it('stopped and stale - pending: evidence bound to what was seen, a re-probe in 2 s, the request held', async () => {
    const answer = await fails();
    expect(answer).toMatchObject({
      status: 202,
      headers: { 'retry-after': '2' },
      body: { verdict: 'pending', code: 'pending' },
    });
    const verdictId = answer.body?.['verdictId'];
    const evidence = updates().find((update) => update.UpdateExpression?.startsWith('SET evidence'));
    expect(evidence?.ExpressionAttributeValues?.[':evidence']).toMatchObject({
      kind: 'stopped',
      verdictId,
      generation: 3,
      bootId: 'boot-a',
      seq: 41,
      atMs: NOW_MS,
    });
    expect(sent('reprobe')).toMatchObject([{ DelaySeconds: 2 }]);
    expect(JSON.parse(sent('reprobe')[0]?.MessageBody ?? '')).toMatchObject({
      v: 1,
      verdictId,
      generation: 3,
    });
    const row = transactions()
      .flat()
      .find((item) => item.Put?.Item?.['sk'] === 'REQUEST');
    expect(row?.Put?.Item).toMatchObject({ heldBy: verdictId });
    expect(sent('restart')).toHaveLength(0);
  });

  it('its receipt is written before the re-probe is asked for', async () => {
    const order: string[] = [];
    world.aws.dynamo.on(TransactWriteCommand).callsFake(() => void order.push('receipt'));
    world.aws.sqs
      .on(SendMessageCommand, { QueueUrl: QUEUE.reprobe })
      .callsFake(() => void order.push('re-probe'));
    await ask(refused);
    expect(order).toEqual(['receipt', 're-probe']);
  });

  it('the re-probe cannot be sent - the evidence is removed, and the answer is 503', async () => {
    world.aws.sqs.on(SendMessageCommand, { QueueUrl: QUEUE.reprobe }).rejects(new Error('no queue'));
    const answer = await fails();
    expect(answer.status).toBe(503);
    expect(updates().at(-1)?.UpdateExpression).toContain('REMOVE evidence');
    expect(sent('parked')).toHaveLength(0);
  });

  it('evidence of another verdict stands - the call joins it, and sends no re-probe of its own', async () => {
    const evidence = {
      kind: 'stopped' as const,
      verdictId: '01KAOTHERAAAAAAAAAAAAAAAAA',
      atMs: NOW_MS - 1000,
      generation: 3,
      instanceId: 'i-0123456789abcdef0',
      bootId: 'boot-a',
      seq: 41,
      launchTimeMs: NOW_MS - 7_200_000,
      round: 0,
    };
    hold(aStoredWorkspace({ evidence }));
    const answer = await fails();
    expect(answer.body).toMatchObject({ verdict: 'pending', verdictId: evidence.verdictId });
    expect(sent('reprobe')).toHaveLength(0);
  });

  it('a beat arrives between read and evidence - nothing is written, and the answer is busy', async () => {
    const beating = aStoredWorkspace({ freshUntilMs: NOW_MS + 15_000 });
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET evidence')) return {};
      throw conditionFailed(itemOf(beating));
    });
    const answer = await ask(refused);
    expect(answer.body).toMatchObject({ verdict: 'busy', reason: 'heartbeat-fresh' });
    expect(sent('reprobe')).toHaveLength(0);
  });

  it('EC2 throttles the first probe - pending, and both looks are left to the re-probe function', async () => {
    world.aws.ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
    const answer = await ask(refused);
    expect(answer.body).toMatchObject({ verdict: 'pending', reason: 'probe-queued' });
    expect(sent('reprobe')).toMatchObject([{ DelaySeconds: 0 }]);
  });
});

describe('a caller that waits for the verdict (Prefer: wait)', () => {
  const waiting = (more = {}) =>
    forwardError({ ...refused, request: { ...aRequest, ...more } }, { headers: { prefer: 'wait=5' } });
  /** The chain's receipt and the request's row, as they are when the verdict has become final. */
  const becomes = (verdict: string, reason: string, state = 'parked', more = {}) => {
    const ids = { verdictId: '01KATESTAAAAAAAAAAAAAAAA01', requestId: '01KATESTAAAAAAAAAAAAAAAA02' };
    hold(aStoredWorkspace(), [
      receiptItem({ verdictId: ids.verdictId, verdict, reason }),
      {
        pk: `REQ#${ids.requestId}`,
        sk: 'REQUEST',
        ...{ requestId: ids.requestId, workspaceId: 'ws-1', state, bodyBytes: 5, expiresAtMs: NOW_MS + 1000 },
        ...{ whenDead: 'refuse', errorClass: 'agent-restarting', ...more },
      },
    ]);
    ec2Shows(world.aws, 'stopped');
  };
  const ends = () =>
    transactions().filter((items) =>
      items.some((item) => item.Update?.ExpressionAttributeValues?.[':state'] === 'refused'),
    );

  it('dead - 503 restarting, and its request is ended, so that it is not answered twice', async () => {
    becomes('dead', 'stopped');
    const answer = await handleForwardError(waiting(), world.ports);
    expect(answer).toMatchObject({ status: 503, body: { code: 'dead', restarting: true } });
    expect(ends()).toHaveLength(1);
  });

  it('dead, and deliver has ended the request a moment before - 503 all the same, never a 202', async () => {
    becomes('dead', 'stopped', 'refused');
    world.aws.dynamo
      .on(TransactWriteCommand)
      .callsFake((input: { TransactItems: { Update?: { ExpressionAttributeValues?: object } }[] }) => {
        const [first] = input.TransactItems;
        if (first?.Update?.ExpressionAttributeValues && ':ended' in first.Update.ExpressionAttributeValues)
          throw cancelled(FAILED, 'None');
        return {};
      });
    expect(await handleForwardError(waiting(), world.ports)).toMatchObject({
      status: 503,
      body: { code: 'dead' },
    });
  });

  it('dead, and it asked to park - 202, parked for after the restart', async () => {
    becomes('dead', 'stopped', 'parked', { whenDead: 'park' });
    expect(await handleForwardError(waiting({ whenDead: 'park' }), world.ports)).toMatchObject({
      status: 202,
      body: { verdict: 'dead', code: 'parked' },
    });
    expect(ends()).toHaveLength(0);
  });

  it('busy - 202, parked', async () => {
    becomes('busy', 'heartbeat-fresh');
    expect(await handleForwardError(waiting(), world.ports)).toMatchObject({
      status: 202,
      body: { verdict: 'busy', code: 'parked' },
    });
  });

  it('not final in time - the pending answer', async () => {
    becomes('pending', 'suspect');
    expect(await handleForwardError(waiting(), world.ports)).toMatchObject({
      status: 202,
      body: { verdict: 'pending' },
    });
  });
});

describe('parking', () => {
  beforeEach(() => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
  });
  const call = () => forwardError({ ...refused, request: aRequest });

  it('the row cannot be written - 503 parking-failed and a metric, never a false 202', async () => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    expect(await handleForwardError(call(), world.ports)).toMatchObject({
      status: 503,
      body: { code: 'parking-failed' },
    });
    expect(counted()).toContain('ParkingFailed');
  });

  it('the message cannot be sent - 503 parking-failed and a metric, never a false 202', async () => {
    world.aws.sqs.on(SendMessageCommand, { QueueUrl: QUEUE.parked }).rejects(new Error('no queue'));
    expect(await handleForwardError(call(), world.ports)).toMatchObject({
      status: 503,
      body: { code: 'parking-failed' },
    });
    expect(counted()).toContain('ParkingFailed');
  });

  it('as many are parked as may be - 429 parked-full', async () => {
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled('None', 'None', 'None', FAILED));
    expect(await handleForwardError(call(), world.ports)).toMatchObject({
      status: 429,
      body: { code: 'parked-full' },
    });
  });

  it('the same request id with the same body - the first answer again, with no second copy', async () => {
    const answer = { status: 202, headers: {}, body: { requestId: 'first' } };
    const value = { fingerprint: world.ports.ids.fingerprint(JSON.stringify(aRequest)), answer };
    hold(aStoredWorkspace(), [{ pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER', value }]);
    expect(await handleForwardError(call(), world.ports)).toEqual(answer);
    expect(probes()).toBe(0);
    expect(sent('parked')).toHaveLength(0);
  });

  it('the same request id with another body - 409 idempotency-conflict', async () => {
    const value = { fingerprint: 'of-another', answer: { status: 202, headers: {} } };
    hold(aStoredWorkspace(), [{ pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER', value }]);
    expect(await handleForwardError(call(), world.ports)).toMatchObject({
      status: 409,
      body: { code: 'idempotency-conflict' },
    });
  });

  it('credentials and hop-by-hop headers are never kept', async () => {
    const headers = {
      Authorization: 'Bearer x',
      Cookie: 'a=b',
      Connection: 'x-hop',
      'X-Hop': '1',
      'X-Trace': 't',
    };
    await ask({ ...refused, request: { ...aRequest, headers } });
    const message = JSON.parse(sent('parked')[0]?.MessageBody ?? '') as { headers: unknown };
    expect(message.headers).toEqual({ 'x-trace': 't' });
  });

  it('a body over 700 KiB - 413 before anything is read', async () => {
    const body = Buffer.alloc(700 * 1024 + 1).toString('base64');
    const answer = await ask({ ...refused, request: { ...aRequest, body } });
    expect(answer).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(world.aws.dynamo.calls()).toHaveLength(0);
  });
});

describe('bad input', () => {
  it('an unknown workspace - 404, nothing written', async () => {
    const answer = await ask(refused);
    expect(answer).toMatchObject({ status: 404, body: { code: 'unknown-workspace' } });
    expect(updates()).toHaveLength(0);
    expect(transactions()).toHaveLength(0);
  });

  it.each([
    ['not JSON', '{', 'body'],
    ['null', null, 'body'],
    ['an unknown field', { ...refused, extra: 1 }, 'extra'],
    ['a missing error', {}, 'error'],
    ['an unknown kind', { error: { kind: 'odd' } }, 'error.kind'],
    ['upstream without a status', { error: { kind: 'upstream' } }, 'error.status'],
    ['a status that is no dead-origin status', { error: { kind: 'upstream', status: 200 } }, 'error.status'],
    ['a status without upstream', { error: { kind: 'eof', status: 502 } }, 'error.status'],
    ['a malformed instance id', { error: { kind: 'eof', instanceId: 'arn:aws:x' } }, 'error.instanceId'],
    [
      'an absolute request URL',
      { ...refused, request: { ...aRequest, path: 'http://evil/' } },
      'request.path',
    ],
    ['a path that climbs', { ...refused, request: { ...aRequest, path: '/a/%2e%2e/b' } }, 'request.path'],
    [
      'a header with a newline',
      { ...refused, request: { ...aRequest, headers: { a: 'b\r\nc: d' } } },
      'request.headers.a',
    ],
    ['bad base64', { ...refused, request: { ...aRequest, body: '***' } }, 'request.body'],
    [
      'an expiry over a day',
      { ...refused, request: { ...aRequest, expiresInSeconds: 86_401 } },
      'request.expiresInSeconds',
    ],
  ])('%s - refused by the name of the field, and nothing is read', async (_what, body, field) => {
    const attempt = ask(body);
    await expect(attempt).rejects.toMatchObject({ problems: [{ field }] });
    expect(world.aws.dynamo.calls()).toHaveLength(0);
  });
});
