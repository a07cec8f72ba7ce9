/** Rows 51 to 65, 70 and 77 to 79 of the fault matrix: what fails, and what becomes of a parked request by it. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context, SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { agentHttp } from '../../lambdas/adapters/agent-http.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { Received, Settled } from '../../lambdas/ports/queues.ts';
import { eachMessage } from '../../lambdas/runtime/each-message.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { parkedMessage } from '../../lambdas/schemas/messages.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { apiCall, aRecord, aRequest, forwardError, received } from '../lambdas/calls.ts';
import { deliveryWorld } from '../lambdas/delivery-world.ts';
import { aStoredWorkspace, ec2Shows, holds, NOW_MS, quietLog, TABLE } from '../lambdas/mocked-aws.ts';
import {
  aMessage,
  answered,
  endings,
  finds,
  hidden,
  news,
  REQUEST,
  rowItem,
  rowUpdates,
  sentTo,
  totalsItem,
} from '../lambdas/parked.ts';
import { cancelled, conditionFailed, FAILED } from '../lambdas/refused-writes.ts';

const world = deliveryWorld();
beforeEach(() => {
  finds(world.aws, {});
});

const settling = aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 });
const fails = () =>
  handleForwardError(forwardError({ error: { kind: 'refused' }, request: aRequest }), world.ports);
const given = (row: Partial<ParkedRequest> = {}, more: Record<string, unknown>[] = []) => {
  holds(world.aws, aStoredWorkspace(), [rowItem(row), ...more]);
};
const delivers = async (changes: Partial<Received<ParkedMessage>> = {}) =>
  (await handleDeliveries([received(aMessage(), changes)], world.ports)).get('message-1');
const sweeps = () => handleSweep(world.ports);
const acts = () =>
  sentTo(world.aws, 'restart').length +
  world.aws.ec2.commandCalls(StartInstancesCommand).length +
  world.aws.ec2.commandCalls(StopInstancesCommand).length;

describe('faults while parking', () => {
  const notKept = {
    status: 503,
    headers: { 'retry-after': expect.any(String) as string },
    body: { code: 'parking-failed' },
  };

  it('51 the SQS send fails - 503 with Retry-After, not 202, and the row is not promised (S19)', async () => {
    holds(world.aws, settling);
    world.aws.sqs.on(SendMessageCommand).rejects(new Error('no queue'));
    expect(await fails()).toMatchObject(notKept);
    expect(rowUpdates(world.aws, 'SET #state = :parked')).toHaveLength(0);
    expect(world.ports.log.counted).toContain('ParkingFailed');
  });

  it('52 the SQS send is ambiguous - the repeat sends the same request id again, which SQS and the ledger know for one', async () => {
    holds(world.aws, settling);
    world.aws.sqs
      .on(SendMessageCommand)
      .rejectsOnce(new Error('socket hang up'))
      .resolves({ MessageId: 'm' });
    expect(await fails()).toMatchObject(notKept);
    const items = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    holds(
      world.aws,
      settling,
      items.flatMap((item) => (item.Put?.Item ? [item.Put.Item as Record<string, unknown>] : [])),
    );
    const again = await fails();
    expect(again).toMatchObject({ status: 202 });
    const sends = sentTo(world.aws, 'parked');
    expect(sends).toHaveLength(2);
    expect(new Set(sends.map((send) => send.MessageDeduplicationId)).size).toBe(1);
    expect(new Set(sends.map((send) => send.MessageBody)).size).toBe(1);
    expect(again.body?.['requestId']).toBe(sends[0]?.message['requestId']);
  });

  it.each(['KMS.AccessDeniedException', 'KMS.ThrottlingException'])(
    '53 %s on the queue - as a failed send: 503, and the metric of the alarm',
    async (name) => {
      holds(world.aws, settling);
      world.aws.sqs.on(SendMessageCommand).rejects(Object.assign(new Error(name), { name }));
      expect(await fails()).toMatchObject(notKept);
      expect(world.ports.log.counted).toContain('ParkingFailed');
    },
  );
});

describe('faults while delivering', () => {
  it('54 crash after the delivery, before the mark - delivered again after the lease, with the same key and bytes, and as perhaps a copy (S22)', async () => {
    given();
    world.aws.dynamo.on(TransactWriteCommand).rejectsOnce(new Error('crash')).resolves({});
    expect(await delivers()).toBeUndefined();
    given({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS });
    expect(await delivers()).toEqual({ kind: 'done' });
    expect(
      world.asked.map(({ body, headers }) => [body, headers['idempotency-key'], headers['defib-ambiguous']]),
    ).toEqual([
      [aMessage().body, 'r-1', undefined],
      [aMessage().body, 'r-1', 'true'],
    ]);
  });

  it('55 the visibility ends in the middle of a delivery - the second drainer finds the lease in the row, and waits', async () => {
    given({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS + 30_000 });
    expect(await delivers({ receives: 2 })).toEqual({ kind: 'again', afterSeconds: 30 });
    expect(world.asked).toHaveLength(0);
  });

  it('55 two drainers begin at the same moment - one write wins, the other sends nothing', async () => {
    given();
    let wins = 1;
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET #state = :delivering')) return {};
      if (wins-- > 0) return {};
      throw conditionFailed();
    });
    await Promise.all([delivers(), delivers()]);
    expect(world.asked).toHaveLength(1);
    expect(endings(world.aws)).toHaveLength(1);
  });

  it.each([
    answered(500),
    answered(503),
    { kind: 'failed', because: 'deadline' } as const,
    { kind: 'failed', because: 'reset' } as const,
    { kind: 'failed', because: 'eof' } as const,
  ])(
    '56 the workspace answers %j - back-off, the attempt counts, and nothing acts on it directly',
    async (failing) => {
      given({ attempts: 1 });
      world.answer = failing;
      expect(await delivers()).toEqual({ kind: 'again', afterSeconds: 5 });
      expect(rowUpdates(world.aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues?.[':next']).toBe(
        2,
      );
      expect(endings(world.aws)).toEqual([]);
      expect(acts()).toBe(0);
    },
  );

  it('57 the workspace answers 4xx - refused for good, with notice', async () => {
    given();
    world.answer = answered(422);
    expect(await delivers()).toEqual({ kind: 'done' });
    expect(endings(world.aws)).toMatchObject([{ state: 'refused', why: 'status-422' }]);
    expect(news(world.aws)).toMatchObject([{ type: 'request.refused', detail: { reason: 'status-422' } }]);
  });

  // Defib's queue hides a message for its lease alone and renews it: the time-out is the policy's, not a sixth of anything.
  it('58 the workspace gets a time of its own - 300 s by default, 840 at most, and a lease of 90 s is renewed under it', async () => {
    given();
    await delivers();
    expect(world.asked[0]?.timeoutMs).toBe(300_000);
    expect(hidden(world.aws)[0]).toBe(90);
  });

  it('59 a delivered message comes again an hour later - dropped by the mark in the ledger', async () => {
    given({ state: 'delivered', finishedAtMs: NOW_MS - 3_600_000 });
    expect(await delivers({ receives: 2, sentAtMs: NOW_MS - 3_700_000 })).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(endings(world.aws)).toEqual([]);
  });

  it('60 a message past its time - expired with notice, never delivered (S21)', async () => {
    given({ expiresAtMs: NOW_MS });
    expect(await delivers()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(news(world.aws)).toMatchObject([{ type: 'request.expired' }]);
  });

  it.each([0, 500, 503, 404, 200])(
    '65 the recursion guard - an agent that answers %i: nothing is ever sent to the queue that deliver reads (S33)',
    async (status) => {
      given();
      world.answer = status === 0 ? { kind: 'failed', because: 'eof' } : answered(status);
      await delivers();
      ec2Shows(world.aws, 'stopped');
      await delivers();
      expect(sentTo(world.aws, 'parked')).toEqual([]);
    },
  );
});

describe('an agent that is not to be trusted with time', () => {
  let server: http.Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const sends = async (serve: http.RequestListener, timeoutMs = 5000) => {
    const listening = http.createServer(serve);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    return agentHttp().send({
      protocol: 'http',
      address: '127.0.0.1',
      port: (listening.address() as AddressInfo).port,
      method: 'POST',
      path: '/a2a',
      headers: {},
      body: aMessage().body,
      timeoutMs,
    });
  };

  it('58 it answers a byte at a time - the deadline is over the whole exchange, and ends it', async () => {
    const answer = sends((_request, response) => {
      response.write('x');
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    }, 150);
    expect(await answer).toEqual({ kind: 'failed', because: 'deadline' });
  });

  it('58 it never answers - ended by the deadline', async () => {
    expect(await sends(() => {}, 100)).toEqual({ kind: 'failed', because: 'deadline' });
  });

  it('56 it resets in the middle of its body - a failure after which a copy may have arrived', async () => {
    const answer = await sends((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    expect(answer).toMatchObject({ kind: 'failed', because: 'eof' });
  });

  it('a redirect - is an answer, and nobody follows it', async () => {
    let requests = 0;
    const answer = await sends((_request, response) => {
      requests += 1;
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    });
    expect(answer).toMatchObject({ kind: 'answered', response: { status: 302 } });
    expect(requests).toBe(1);
  });

  it('a response over 256 KiB - kept up to there, and said so', async () => {
    const answer = await sends((_request, response) => response.end(Buffer.alloc(256 * 1024 + 1)));
    if (answer.kind !== 'answered') throw new Error('no answer');
    expect(answer.response.truncated).toBe(true);
    expect(Buffer.from(answer.response.body, 'base64')).toHaveLength(256 * 1024);
  });
});

describe('faults of the queue', () => {
  const record = (id: string, body: unknown = aMessage(), receives = 1) => aRecord(id, body, receives);
  const DLQ = 'https://queues.test/parked-dlq.fifo';
  const run = async (
    records: SQSRecord[],
    handle: (messages: readonly Received<ParkedMessage>[]) => Promise<ReadonlyMap<string, Settled>>,
  ) => {
    const consumer = {
      telemetry: telemetry(),
      sqs: new SQSClient({}),
      queueUrl: 'https://queues.test/parked.fifo',
    };
    const handler = queueHandler({ ...consumer, deadLetterUrl: DLQ, schema: parkedMessage, handle });
    const result = await handler({ Records: records }, {} as Context);
    return result.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  const done = (messages: readonly Received<ParkedMessage>[]) =>
    eachMessage(messages, quietLog(), () => Promise.resolve({ kind: 'done' }));

  it('61 poison that cannot be read - to the dead-letter queue by our own hand, in a group of its own; the others flow (V10)', async () => {
    const seen: string[] = [];
    const failures = await run([record('bad', '{'), record('good')], (messages) => {
      seen.push(...messages.map(({ id }) => id));
      return done(messages);
    });
    expect(failures).toEqual([]);
    expect(seen).toEqual(['good']);
    expect(world.aws.sqs.commandCalls(SendMessageCommand).map((call) => call.args[0].input)).toMatchObject([
      { QueueUrl: DLQ, MessageBody: '{', MessageGroupId: 'poison', MessageDeduplicationId: 'bad' },
    ]);
  });

  it('62 items 2 and 5 of a batch wait and the handler throws on 7 - exactly these are seen again (S26)', async () => {
    const records = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => record(String(number)));
    const failures = await run(records, (messages) =>
      eachMessage(messages, quietLog(), ({ id }) => {
        if (id === '7') return Promise.reject(new Error('fault'));
        return Promise.resolve(
          id === '2' || id === '5' ? { kind: 'again', afterSeconds: 5 } : { kind: 'done' },
        );
      }),
    );
    expect(failures).toEqual(['2', '5', '7']);
  });

  it('63 a use case that returns nothing - the wrapper fails: never is a batch taken for done', async () => {
    const nothing = (() => Promise.resolve()) as unknown as typeof done;
    await expect(run([record('1')], nothing)).rejects.toThrow();
  });

  it('63 a use case that says nothing of a message - it is seen again', async () => {
    expect(await run([record('1'), record('2')], () => Promise.resolve(new Map()))).toEqual(['1', '2']);
  });

  it.each([6, 300])(
    '64 received %i times before the first run - delivered like any other: receives are no attempts',
    async (receives) => {
      given();
      const failures = await run([record('message-1', aMessage(), receives)], (messages) =>
        handleDeliveries(messages, world.ports),
      );
      expect(failures).toEqual([]);
      expect(world.asked[0]?.headers['defib-attempt']).toBe('1');
      expect(endings(world.aws)).toMatchObject([{ state: 'delivered' }]);
    },
  );
});

describe('faults of rows, queues and numbers', () => {
  it('70 a row past its TTL that is still there - a final state is final, however old', async () => {
    given({ state: 'delivered' }, []);
    expect(await delivers()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
  });

  it('70 a row that vanishes in the middle - the message is dropped and counted, and nothing is delivered without a row', async () => {
    holds(world.aws, aStoredWorkspace());
    expect(await delivers()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(world.ports.log.counted).toContain('ParkedWithoutRow');
  });

  it('70 no rule rests on TTL - a request expires by its own expiresAt, in the write that begins the attempt', async () => {
    given();
    await delivers();
    const [begun] = rowUpdates(world.aws, 'SET #state = :delivering');
    expect(begun?.ConditionExpression).toContain('expiresAtMs > :now');
    expect(JSON.stringify(begun)).not.toContain('ttl');
  });

  it('77 ten thousand for one workspace - the thousand-and-first gets 429, by one conditional write', async () => {
    holds(world.aws, settling, [totalsItem({ count: 1000 })]);
    world.aws.dynamo.on(TransactWriteCommand).callsFake((input: { TransactItems: object[] }) => {
      throw cancelled(
        ...input.TransactItems.map((_item, index, all) => (index === all.length - 1 ? FAILED : 'None')),
      );
    });
    expect(await fails()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '10' },
      body: { code: 'parked-full' },
    });
    const items = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(items.at(-1)?.Update?.ConditionExpression).toContain('#count < :most');
    expect(items.at(-1)?.Update?.ExpressionAttributeValues?.[':most']).toBe(1000);
    expect(sentTo(world.aws, 'parked')).toEqual([]);
  });

  it('77 ten thousand drain after a recovery - one, then a pause of a beat: not the whole backlog at once', async () => {
    const drain = { unreadySinceMs: NOW_MS - 60_000, ramp: { step: 1, left: 1, notBeforeMs: 0 } };
    given({}, [totalsItem({ count: 10_000, drain })]);
    await delivers();
    const after = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[1]
      ?.Update?.ExpressionAttributeValues?.[':drain'] as object;
    given({}, [totalsItem({ count: 9999, drain: after })]);
    expect(await delivers()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(world.asked).toHaveLength(1);
  });

  it.each([
    [{ expiresAtMs: NOW_MS - 6 * 86_400_000 }, 'expired'],
    [{ caller: 'role/gone', expiresAtMs: NOW_MS + 1 }, 'forbidden'],
  ])(
    '78 redrive of a week-old dead letter (%j) - expiry and authorisation as of now (S38)',
    async (row, why) => {
      given({ state: 'dead-lettered', ...row });
      finds(world.aws, { [`REQ#${REQUEST}`]: [{ piece: JSON.stringify(aMessage()), count: 1 }] });
      const operatePorts = {
        ...world.ports,
        registry: registry(openTable(TABLE)),
        workspaceTag: { Key: 'k', Value: 'v' },
        operatorRoles: ['operator'],
        reporterRoles: ['proxy'],
      };
      const body = { requestIds: [REQUEST] };
      const told = await handleOperate(
        apiCall('POST /dead-letters/redrive', body, { params: {} }),
        operatePorts,
      );
      expect(told.body).toMatchObject({ redriven: [], skipped: [{ requestId: REQUEST, why }] });
      expect(sentTo(world.aws, 'parked')).toEqual([]);
    },
  );

  it('79 the queue is purged or replaced - within minutes its rows end as dead-lettered, body-lost, with an alarm', async () => {
    world.aws.sqs.on(GetQueueAttributesCommand).resolves({
      Attributes: {
        ApproximateNumberOfMessages: '0',
        ApproximateNumberOfMessagesNotVisible: '0',
        ApproximateNumberOfMessagesDelayed: '0',
      },
    });
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { ConditionExpression?: string }) => {
      if (input.ConditionExpression !== '#count <= :zero') return {};
      throw conditionFailed();
    });
    const second = '01KBREQESTAAAAAAAAAAAAAAAA';
    const parkedAtMs = NOW_MS - 3_600_000;
    const listed = {
      'DUE#PARKED': [{ pk: 'WS#ws-1' }],
      'WAITING#ws-1': [{ listSort: REQUEST }, { listSort: second }],
    };
    finds(world.aws, listed);
    given({ parkedAtMs }, [rowItem({ requestId: second, parkedAtMs }), totalsItem()]);
    await sweeps();
    expect(endings(world.aws)).toEqual([]);
    const [seen] = world.aws.dynamo
      .commandCalls(UpdateCommand)
      .flatMap(
        (call) => (call.args[0].input.ExpressionAttributeValues?.[':empty'] as number | undefined) ?? [],
      );
    world.ports.clock.advance(150_000);
    finds(world.aws, listed, NOW_MS + 150_000);
    given({ parkedAtMs }, [rowItem({ requestId: second, parkedAtMs }), totalsItem({ emptySinceMs: seen })]);
    await sweeps();
    expect(endings(world.aws)).toMatchObject([
      { requestId: REQUEST, state: 'dead-lettered', why: 'body-lost' },
      { requestId: second, state: 'dead-lettered', why: 'body-lost' },
    ]);
    expect(world.ports.log.counted.filter((metric) => metric === 'BodyLost')).toHaveLength(2);
  });
});
