/** Rows 67 to 90 of the catalogue of bad inputs: messages in the queues, heartbeats, and items of the table. */
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FunctionKey } from '../../local/local-info.ts';
import { admin, as, aWorkspace, ec2Calls, launch, local, type TestWorkspace } from './fleet.ts';
import { changingNothing, expectClientError, expectProblem, untilQueuesRest } from './refusals.ts';
import { depthOf, snapshotOf } from './stores.ts';
import { sleep, until } from './wait.ts';

let ws: TestWorkspace;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.beat('boot-a', 5);
  await ws.untilSettled();
  await untilQueuesRest();
});

const ULID = '01KAVERDCTAAAAAAAAAAAAAAAA';
type WorkQueue = 'reprobe' | 'restart' | 'parked' | 'deliveries';
const queues: readonly WorkQueue[] = ['reprobe', 'restart', 'parked', 'deliveries'];
const workerOf: Record<WorkQueue, FunctionKey> = {
  reprobe: 'reprobe',
  restart: 'restart',
  parked: 'receive',
  deliveries: 'deliver',
};

const addressed = () => ({
  v: 1,
  workspaceId: ws.workspaceId,
  instanceId: ws.instanceId,
  generation: 1,
  epoch: 0,
});
/** A message that reads well, of a verdict, a claim or a request that never was. */
const wellFormed: Record<WorkQueue, () => Record<string, unknown>> = {
  reprobe: () => ({ ...addressed(), kind: 'reprobe', verdictId: ULID, errorKind: 'refused' }),
  restart: () => ({ ...addressed(), kind: 'restart', token: ULID }),
  parked: () => ({
    v: 1,
    kind: 'parked',
    workspaceId: ws.workspaceId,
    requestId: ULID,
    enqueueNo: 0,
    idempotencyKey: 'k',
    method: 'POST',
    path: '/',
    headers: {},
    body: '',
  }),
  deliveries: () => ({
    v: 1,
    kind: 'delivery',
    handle: { id: 'm', receiptHandle: 'no-such-handle', receives: 1, sentAtMs: 1, firstReceivedAtMs: 1 },
    parked: wellFormed.parked(),
  }),
};

let sent = 0;
async function send(queue: WorkQueue, body: string): Promise<void> {
  sent += 1;
  await admin.sqs.send(
    new SendMessageCommand({
      QueueUrl: local.queues[queue],
      MessageBody: body,
      ...(queue === 'parked' && {
        MessageGroupId: `bad-${sent}`,
        MessageDeduplicationId: `${Date.now()}-${sent}`,
      }),
    }),
  );
}

const acts = async () => [
  await ec2Calls('StartInstances', ws.instanceId),
  await ec2Calls('StopInstances', ws.instanceId),
  ws.agent.served.length,
];
const itemsNow = async () => (await snapshotOf(ws.workspaceId)).items;

/** Sends what can't be read: each becomes a dead letter, and nothing else happens. */
async function expectSetAside(queue: WorkQueue, ...bodies: string[]): Promise<void> {
  const [items, before, done] = [await itemsNow(), await depthOf(local.queues[`${queue}Dlq`]), await acts()];
  for (const body of bodies) await send(queue, body);
  await until('all are set aside', async () =>
    (await depthOf(local.queues[`${queue}Dlq`])) === before + bodies.length ? true : undefined,
  );
  expect(await itemsNow()).toEqual(items);
  expect(await acts()).toEqual(done);
}

/** Sends what reads well and is not true: it is dropped, or seen out, and nobody is started, stopped or sent anything. */
async function expectDropped(queue: WorkQueue, changes: object): Promise<void> {
  const [before, done] = [await depthOf(local.queues[`${queue}Dlq`]), await acts()];
  await send(queue, JSON.stringify({ ...wellFormed[queue](), ...changes }));
  await until('it is gone', async () => ((await depthOf(local.queues[queue])) === 0 ? true : undefined));
  expect(await acts()).toEqual(done);
  expect(await depthOf(local.queues[`${queue}Dlq`])).toBeLessThanOrEqual(before + 1);
  expect((await ws.show())['claim']).toBeNull();
}

/** Does something that must change nothing; what receive has handed on before is to be settled first. */
async function unchanged<T>(act: () => Promise<T>): Promise<T> {
  await untilQueuesRest();
  return changingNothing(ws, act);
}

/** Hands an event to a function as Lambda would, and gives its answer. */
async function invoke(
  worker: FunctionKey,
  event: unknown,
): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const { Payload, FunctionError } = await admin.lambda.send(
    new InvokeCommand({ FunctionName: local.functions[worker], Payload: Buffer.from(JSON.stringify(event)) }),
  );
  expect(FunctionError).toBeUndefined();
  return JSON.parse(Buffer.from(Payload ?? []).toString()) as never;
}
const record = (id: string, body: string, more: object = {}) => ({
  messageId: id,
  receiptHandle: `no-such-handle-${id}`,
  body,
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: String(Date.now()),
    ApproximateFirstReceiveTimestamp: String(Date.now()),
  },
  eventSource: 'aws:sqs',
  ...more,
});

describe.each(queues)('the %s queue', (queue) => {
  const wrong = (changes: object) => JSON.stringify({ ...wellFormed[queue](), ...changes });
  const without = (name: string) => {
    const { [name]: _gone, ...rest } = wellFormed[queue]();
    return JSON.stringify(rest);
  };

  it('rows 68 to 70: not JSON, an event of S3 or SNS, a wrong tag, a list, null - dead letters', async () => {
    await expectSetAside(
      queue,
      'not JSON',
      '{"Service":"Amazon S3","Event":"s3:TestEvent"}',
      '{"Type":"Notification","Message":"{}"}',
      wrong({ kind: 'odd' }),
      '[]',
      'null',
    );
  });

  it('row 71: the schema version as text or missing - dead letters', async () => {
    await expectSetAside(queue, wrong({ v: '1' }), without('v'), wrong({ v: 1.5 }));
  });

  it('row 71: another schema version - waits for a newer function, and is set aside at the fifth receive', async () => {
    for (const v of [0, 2]) {
      const fresh = await unchanged(() => invoke(workerOf[queue], { Records: [record('v', wrong({ v }))] }));
      expect(fresh.batchItemFailures).toEqual([{ itemIdentifier: 'v' }]);
      const before = await depthOf(local.queues[`${queue}Dlq`]);
      const attributes = {
        ApproximateReceiveCount: '5',
        SentTimestamp: '1',
        ApproximateFirstReceiveTimestamp: '1',
      };
      const old = await invoke(workerOf[queue], {
        Records: [record(`v${v}-${sent++}`, wrong({ v }), { attributes })],
      });
      expect(old.batchItemFailures).toEqual([]);
      expect(await depthOf(local.queues[`${queue}Dlq`])).toBe(before + 1);
    }
  });

  it('rows 78 and 79: counts of attempts and hops, which no message has - dead letters', async () => {
    await expectSetAside(queue, wrong({ attempt: -1 }), wrong({ attempts: 1e6 }), wrong({ hops: 99 }));
  });

  it('row 80: a signature of its own, where IAM alone says who sends - a dead letter', async () => {
    await expectSetAside(queue, wrong({ hmac: 'f'.repeat(64) }), wrong({ signature: 'forged' }));
  });

  it('row 24: ids that reach for another key - dead letters', async () => {
    await expectSetAside(
      queue,
      wrong({ workspaceId: 'a#STATE' }),
      wrong({ workspaceId: '' }),
      wrong({ workspaceId: 5 }),
    );
  });

  it('row 67: an empty body - a dead letter, and no fault', async () => {
    const before = await depthOf(local.queues[`${queue}Dlq`]);
    const { batchItemFailures } = await invoke(workerOf[queue], { Records: [record(`empty-${sent++}`, '')] });
    expect(batchItemFailures).toEqual([]);
    expect(await depthOf(local.queues[`${queue}Dlq`])).toBe(before + 1);
  });

  it('row 81: a message twice in one batch - nothing is done twice', async () => {
    const done = await acts();
    const one = record('twice', wrong({}));
    await invoke(workerOf[queue], { Records: [one, one] });
    expect(await acts()).toEqual(done);
  });

  it('row 83: from another queue - is as good as what it says, which is nothing', async () => {
    const done = await acts();
    const eventSourceARN = 'arn:aws:sqs:us-east-1:999999999999:foreign';
    await invoke(workerOf[queue], { Records: [record('foreign', wrong({}), { eventSourceARN })] });
    expect(await acts()).toEqual(done);
  });

  it('row 84: a batch of none, and events that are no batch - nothing happens', async () => {
    for (const event of [{ Records: [] }, {}, { Records: null }, { Records: 'x' }, []]) {
      const answer = await unchanged(() => invoke(workerOf[queue], event));
      expect(answer).toEqual({ batchItemFailures: [] });
    }
  });

  it('row 85: a body of nearly 1 MiB - a dead letter, or refused by the queue', async () => {
    const items = await itemsNow();
    const large = 'x'.repeat(1_000_000);
    const before = await depthOf(local.queues[`${queue}Dlq`]);
    const refused = await send(queue, large).then(
      () => false,
      () => true,
    );
    if (!refused) {
      await until('it is set aside', async () =>
        (await depthOf(local.queues[`${queue}Dlq`])) === before + 1 ? true : undefined,
      );
    }
    expect(await itemsNow()).toEqual(items);
  });

  it('row 86: characters that XML has not - a dead letter, or refused by the queue', async () => {
    const items = await itemsNow();
    await send(queue, 'a\u0000b\uFFFE').catch(() => undefined);
    await until('the queue rests', async () =>
      (await depthOf(local.queues[queue])) === 0 ? true : undefined,
    );
    expect(await itemsNow()).toEqual(items);
  });

  it.each([
    ['missing', undefined],
    ['empty', {}],
    [
      'no numbers',
      { ApproximateReceiveCount: 'x', SentTimestamp: 'y', ApproximateFirstReceiveTimestamp: '' },
    ],
    [
      'of the future (row 75)',
      {
        ApproximateReceiveCount: '1',
        SentTimestamp: '32503680000000',
        ApproximateFirstReceiveTimestamp: '32503680000000',
      },
    ],
  ])('row 87: attributes that are %s - no fault, and nothing is done', async (_what, attributes) => {
    const done = await acts();
    await invoke(workerOf[queue], { Records: [record('attributes', wrong({}), { attributes })] });
    expect(await acts()).toEqual(done);
  });
});

describe.each(['reprobe', 'restart'] as const)('the %s queue', (queue) => {
  it('row 72: without a generation - a dead letter', async () => {
    const { generation: _gone, ...rest } = wellFormed[queue]();
    await expectSetAside(queue, JSON.stringify(rest));
  });

  it('row 73: a generation that is no count - dead letters', async () => {
    const odd = [-1, 1.5, 2 ** 53 + 2, '1', null];
    await expectSetAside(
      queue,
      ...odd.map((generation) => JSON.stringify({ ...wellFormed[queue](), generation })),
    );
  });

  it.each([0, 2, 999])('row 73: generation %d, where it is 1 - dropped', async (generation) => {
    await expectDropped(queue, { generation });
  });

  it('row 74: of an instance that was replaced - dropped', async () => {
    await expectDropped(queue, { instanceId: 'i-0fffffffffffffff0' });
  });

  it.each(['token', 'verdictId'])('row 77: a forged or foreign %s - dropped', async (name) => {
    if (!(name in wellFormed[queue]())) return;
    await expectDropped(queue, { [name]: '01KAF0RGEDAAAAAAAAAAAAAAAA' });
  });

  it('row 84: a batch of 200, where the event source gives ten, for workspaces that never were - nothing happens', async () => {
    const records = Array.from({ length: 200 }, (_, id) =>
      record(`m-${id}`, JSON.stringify({ ...wellFormed[queue](), workspaceId: `never-${id % 50}` })),
    );
    const answer = await unchanged(() => invoke(workerOf[queue], { Records: records }));
    expect(answer.batchItemFailures.length).toBeLessThanOrEqual(records.length);
  });
});

describe('more rows', () => {
  it('row 76: a second look without a first - concludes nothing', async () => {
    await expectDropped('reprobe', {});
    expect((await ws.show())['claim']).toBeNull();
  });

  it('row 82: a request twice, which has no row - sent to nobody', async () => {
    const done = await acts();
    const body = JSON.stringify(wellFormed.parked());
    await Promise.all([send('parked', body), send('parked', body)]);
    await untilQueuesRest();
    expect(await acts()).toEqual(done);
  });

  it('row 88: heartbeats that go back, stand still, are of another boot or instance - change nothing', async () => {
    expect((await ws.beat('boot-a', 6)).status).toBe(204);
    for (const seq of [5, 6]) {
      const answer = await unchanged(() => ws.beat('boot-a', seq));
      expectClientError(answer);
    }
    const stranger = await as('agent', 'i-0fffffffffffffff0');
    const foreign = await unchanged(() =>
      stranger.call('POST', `/workspaces/${ws.workspaceId}/heartbeats`, { bootId: 'boot-a', seq: 7 }),
    );
    expectProblem(foreign, 403, 'wrong-instance');
  });

  it.each([
    ['seq', { seq: -1 }],
    ['seq', { seq: 1.5 }],
    ['seq', { seq: 2 ** 53 }],
    ['bootId', { bootId: '' }],
    ['bootId', { bootId: 'x'.repeat(1_000) }],
    ['bootId', { bootId: 'a#b' }],
    ['intervalSeconds', { intervalSeconds: 1e9 }],
    ['activeTasks', { activeTasks: -1 }],
    ['at', { at: 9e15 }],
  ])('row 88: a heartbeat with a wrong %s - 400 that names it', async (field, more) => {
    const agent = await as('agent', ws.instanceId);
    const answer = await unchanged(() =>
      agent.call('POST', `/workspaces/${ws.workspaceId}/heartbeats`, { bootId: 'boot-a', seq: 100, ...more }),
    );
    expectProblem(answer, 400, 'invalid-input', field);
  });

  it('row 88: a jump of 1e9 counts, and only forward from there', async () => {
    expect((await ws.beat('boot-a', 1_000_000_000)).status).toBe(204);
    expectClientError(await unchanged(() => ws.beat('boot-a', 7)));
  });

  it('row 88: a heartbeat of 1 MB - a 4xx', async () => {
    const agent = await as('agent', ws.instanceId);
    const answer = await unchanged(() =>
      agent.call('POST', `/workspaces/${ws.workspaceId}/heartbeats`, {
        bootId: 'b',
        seq: 1,
        x: 'x'.repeat(1_000_000),
      }),
    );
    expectClientError(answer);
  });

  it.each([
    ['attributes missing', { instanceId: undefined }],
    ['a number as text', { generation: { S: '1' } }],
    ['a wrong type', { settleUntilMs: { BOOL: true } }],
    ['a newer schema', { v: { N: '2' } }],
    ['more attributes', { isAdmin: { BOOL: true }, claimed: { S: 'yes' } }],
  ])('row 90: an item with %s - no verdict but busy, and nobody is touched', async (what, changes) => {
    const workspaceId = `bad-item-${what.replaceAll(' ', '-')}`;
    const instanceId = await launch();
    const whole = {
      pk: { S: `WS#${workspaceId}` },
      sk: { S: 'STATE' },
      v: { N: '1' },
      workspaceId: { S: workspaceId },
      instanceId: { S: instanceId },
      port: { N: '1' },
      protocol: { S: 'http' },
      path: { S: '/' },
      desired: { S: 'running' },
      generation: { N: '1' },
      settleUntilMs: { N: '1' },
      settleBecause: { S: 'registration' },
      freshUntilMs: { N: '0' },
      recentRestartsMs: { L: [] },
    };
    const entries = Object.entries({ ...whole, ...changes }).filter(([, value]) => value !== undefined);
    const Item = Object.fromEntries(entries) as typeof whole;
    await admin.dynamodb.send(new PutItemCommand({ TableName: local.tableName, Item }));
    try {
      const path = `/workspaces/${workspaceId}/forward-errors`;
      const answer = await (await as('proxy')).call('POST', path, { error: { kind: 'refused' } });
      expect(answer.status).toBe(503);
      expect(answer.body).not.toMatchObject({ verdict: 'dead' });
      expect(answer.body).not.toMatchObject({ verdict: 'pending' });
      await sleep(0);
      expect(await ec2Calls('StartInstances', instanceId)).toBe(0);
      expect(await ec2Calls('StopInstances', instanceId)).toBe(0);
    } finally {
      const { pk, sk } = whole;
      await admin.dynamodb.send(new DeleteItemCommand({ TableName: local.tableName, Key: { pk, sk } }));
    }
  });
});
