/**
 * Marked secrets in every field of every input, and then a search of every place for each of them: a mark may be found
 * where it is listed here, and nowhere else. What nobody keeps is listed nowhere.
 */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { routes, type Route } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import type { ApiAnswer } from '../../local/api-client.ts';
import {
  admin,
  as,
  aWorkspace,
  bodyOf,
  local,
  stopFromOutside,
  tag,
  type Body,
  type TestWorkspace,
} from './fleet.ts';
import { leakedTo, mark, marks } from './marks.ts';
import { untilQueuesRest } from './refusals.ts';
import { allSinks, keepEvents, type Sinks } from './sinks.ts';
import { depthOf } from './stores.ts';
import { until } from './wait.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const NEVER_WAS = '01KANEVERWASAAAAAAAAAAAAAA';

let kept: TestWorkspace;
let sinks: Sinks;
/** Every call that was refused, as its caller saw it. */
const refusals: string[] = [];
const called = new Set<string>();
const sent: unknown[] = [];
/** What the agent of the delivered request was sent. */
let served: string;
beforeAll(async () => {
  const eventsUrl = await keepEvents();
  kept = await marked();
  await everyInput();
  sinks = await allSinks(eventsUrl);
}, 300_000);
const workspaces: TestWorkspace[] = [];
afterAll(async () => {
  // What waits is delivered, so that the queues rest again: at once, since the agent says it is not busy any more.
  await kept.beat('idle', 1);
  await (await as('operator')).call('DELETE', `/workspaces/${kept.workspaceId}/pause`);
  await untilQueuesRest();
  await Promise.all(workspaces.map(({ agent }) => agent.close()));
});

/** A call with marked headers, of the caller whose route it is. */
async function call(key: RouteKey, path: string, body?: unknown, more: Record<string, string> = {}) {
  const route = (routes as readonly Route[]).find((it) => `${it.method} ${it.path}` === key);
  const [role = 'operator'] = route?.callers ?? [];
  const client = await as(role, role === 'agent' ? kept.instanceId : undefined);
  called.add(key);
  sent.push(body);
  const headers = {
    'x-forwarded-for': mark(`${key}: X-Forwarded-For`),
    'user-agent': mark(`${key}: User-Agent`),
    prefer: mark(`${key}: Prefer`),
    'idempotency-key': mark(`${key}: Idempotency-Key`, 'table'),
    [`x-${mark(`${key}: a header's name`)}`]: mark(`${key}: a header's value`),
    ...more,
  };
  const answer = await client.call(key.split(' ')[0] ?? '', path, body, headers);
  if (answer.status >= 400) refusals.push(JSON.stringify(answer));
  return answer;
}
async function marked(policy?: Body): Promise<TestWorkspace> {
  const ws = await aWorkspace(policy);
  workspaces.push(ws);
  return ws;
}
const refused = (answer: ApiAnswer) => {
  expect(answer.status).toBeGreaterThanOrEqual(400);
};

const request = () => ({
  id: mark('request.id', 'table', 'queues'),
  method: 'POST',
  path: `/${mark('the path of a request', 'queues')}?q=${mark('the query of a request', 'queues')}`,
  headers: {
    [`x-${mark("a header's name", 'queues')}`]: mark("a header's value", 'queues'),
    authorization: `Bearer ${mark('authorization')}`,
    cookie: mark('a cookie'),
    'proxy-authorization': mark('proxy-authorization'),
    connection: 'x-hop',
    'x-hop': mark('a header of the hop'),
  },
  body: base64(mark('the body of a request', 'queues')),
  expiresInSeconds: 3600,
  whenDead: 'park',
  onAmbiguous: 'retry',
});

async function everyInput(): Promise<void> {
  await tag(kept.instanceId, 'Name', mark('a tag of the instance'));
  await whatIsTaken();
  await Promise.all([whatIsDelivered(), whatIsOrdered()]);
  await whatIsRefused();
  await whatComesByQueueAndBus();
}

/** It settles, so a request is parked; paused, it stays where it is. */
async function whatIsTaken(): Promise<void> {
  const path = `/workspaces/${kept.workspaceId}`;
  await call('PUT /workspaces/{workspaceId}', path, {
    instanceId: kept.instanceId,
    port: kept.agent.port,
    protocol: 'http',
    path: `/${mark('the path of a workspace', 'table')}`,
    desired: 'running',
    policy: {},
  });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  await call('PUT /workspaces/{workspaceId}/pause', `${path}/pause`, {
    reason: mark("a pause's reason", 'table'),
    until,
  });
  await call('POST /workspaces/{workspaceId}/forward-errors', `${path}/forward-errors`, {
    error: { kind: 'upstream', status: 502, instanceId: kept.instanceId },
    request: request(),
  });
  await call('POST /workspaces/{workspaceId}/heartbeats', `${path}/heartbeats`, {
    bootId: mark('bootId', 'table'),
    seq: 1,
    intervalSeconds: 5,
    activeTasks: 0,
    busyUntil: new Date(Date.now() + 60_000).toISOString(),
  });
  for (const list of ['verdicts', 'requests', 'timeline'] as const) {
    await call(`GET /workspaces/{workspaceId}/${list}`, `${path}/${list}`);
  }
  await call('GET /workspaces/{workspaceId}', path);
  await call('GET /workspaces', '/workspaces');
  await call('GET /fleet', '/fleet');
  await call('GET /dead-letters', '/dead-letters');
  await call('POST /dead-letters/redrive', '/dead-letters/redrive', {
    requestIds: [NEVER_WAS],
    dryRun: true,
    limit: 1,
  });
  await call('POST /dead-letters/redrive', '/dead-letters/redrive', { workspaceId: 'never-was' });
  await call('PUT /fleet/pause', '/fleet/pause', { reason: mark("a fleet's pause", 'table'), until });
  await call('DELETE /fleet/pause', '/fleet/pause');
  await call('POST /fleet/brake/release', '/fleet/brake/release');
}

/** A request that its agent refuses at first, with words of its own, and then takes. */
async function whatIsDelivered(): Promise<void> {
  const ws = await marked();
  ws.agent.answerWith(500, mark('the body of a failure'), { 'x-agent': mark('a header of a failure') });
  const asked = request();
  const report = { error: { kind: 'refused' }, request: asked };
  const { requestId } = bodyOf(await ws.report(report)) as { requestId: string };
  await until('the first attempt failed', () => Promise.resolve(ws.agent.served.length > 0 || undefined));
  ws.agent.answerWith(200, mark('the body of an answer', 'table'), {
    'x-agent': mark('a header of an answer', 'table'),
    'set-cookie': mark("an agent's cookie", 'table'),
  });
  await ws.untilRequestIs(requestId, 'delivered');
  served = JSON.stringify(ws.agent.served);
  await call('GET /requests/{requestId}', `/requests/${requestId}`);
  refused(await call('DELETE /requests/{requestId}', `/requests/${requestId}`));

  const path = `/workspaces/${ws.workspaceId}`;
  await call('POST /workspaces/{workspaceId}/settle', `${path}/settle`, {
    reason: mark("a settle's reason", 'table'),
    seconds: 5,
  });
  await call(
    'POST /workspaces/{workspaceId}/restart',
    `${path}/restart`,
    { reason: mark("an order's reason", 'table', 'events'), force: true },
    { 'idempotency-key': mark("an order's key", 'table') },
  );
  await call('DELETE /workspaces/{workspaceId}', `/workspaces/never-was`);
}

/** A restart that waits for a yes, and a workspace that is given up: both are ended by an operator's words. */
async function whatIsOrdered(): Promise<void> {
  const ws = await marked({ mode: 'approve' });
  await ws.untilSettled();
  await stopFromOutside(ws.instanceId);
  const { verdictId = NEVER_WAS } = bodyOf(
    await ws.report({ error: { kind: 'refused' }, request: request() }),
  ) as { verdictId?: string };
  const path = `/workspaces/${ws.workspaceId}`;
  await call('GET /workspaces/{workspaceId}/verdicts/{verdictId}', `${path}/verdicts/${verdictId}`);
  await until('the restart waits for a yes', async () =>
    (await ws.show())['claim'] && JSON.stringify(await ws.show()).includes('awaiting-approval')
      ? true
      : undefined,
  );
  const approved = await call('POST /workspaces/{workspaceId}/restart/approve', `${path}/restart/approve`, {
    reason: mark("a yes's reason", 'table'),
  });
  expect(approved.status).toBe(202);
  await until('it runs again', async () => ((await ws.show())['claim'] === null ? true : undefined));

  const given = { verdictId: NEVER_WAS, atMs: Date.now(), because: 'canary' };
  await admin.dynamodb.send(
    new UpdateItemCommand({
      TableName: local.tableName,
      Key: marshall({ pk: `WS#${ws.workspaceId}`, sk: 'STATE' }),
      UpdateExpression: 'SET quarantine = :it',
      ExpressionAttributeValues: marshall({ ':it': given }),
    }),
  );
  const released = await call(
    'POST /workspaces/{workspaceId}/quarantine/release',
    `${path}/quarantine/release`,
    { reason: mark("a release's reason", 'table') },
  );
  expect(released.status).toBe(200);
  await call('DELETE /workspaces/{workspaceId}/pause', `${path}/pause`);
}

/** Names, values, queries, paths, cursors, and text that is no JSON. A name is told to who sent it, a value is not. */
async function whatIsRefused(): Promise<void> {
  const path = `/workspaces/${kept.workspaceId}`;
  const error = { kind: 'refused' };
  for (const body of [
    { error: { kind: mark('a wrong kind') } },
    { error, [mark("an unknown field's name", 'answers')]: mark("an unknown field's value") },
    { error: { kind: 'refused', instanceId: mark('a wrong instance id') } },
    { error, request: { ...request(), path: mark('a relative path') } },
    { error, request: { ...request(), body: `${mark('a body that is not base64')}!` } },
    { error, request: { ...request(), method: mark('a wrong method') } },
    { error, request: { ...request(), headers: { 'x a': mark('a value of a wrong header') } } },
    `{"error": "${mark('text that is cut off')}`,
  ]) {
    refused(await call('POST /workspaces/{workspaceId}/forward-errors', `${path}/forward-errors`, body));
  }
  const cursor = Buffer.from(JSON.stringify({ pk: mark('a cursor') })).toString('base64url');
  const { instanceId } = kept;
  for (const [key, route, body] of [
    [
      'GET /workspaces/{workspaceId}',
      `${path}?${mark("a query's name", 'answers')}=${mark("a query's value")}`,
      undefined,
    ],
    ['GET /workspaces/{workspaceId}/verdicts', `${path}/verdicts?cursor=${cursor}`, undefined],
    ['GET /workspaces/{workspaceId}', `/workspaces/${mark('an unknown workspace', 'answers')}`, undefined],
    ['GET /requests/{requestId}', `/requests/${mark('a wrong request id')}`, undefined],
    ['GET /fleet', `/${mark('no route')}`, undefined],
    [
      'PUT /workspaces/{workspaceId}',
      path,
      { instanceId, port: 1, policy: { [mark("an unknown setting's name", 'answers')]: 1 } },
    ],
    ['PUT /workspaces/{workspaceId}', path, { instanceId, port: 1, path: mark('a wrong path') }],
    ['PUT /workspaces/{workspaceId}/pause', `${path}/pause`, { reason: 'x', until: mark('a wrong time') }],
    [
      'POST /workspaces/{workspaceId}/settle',
      `${path}/settle`,
      { reason: `${mark('a reason with a line break')}\n` },
    ],
    ['POST /dead-letters/redrive', '/dead-letters/redrive', { requestIds: [mark('a wrong id to redrive')] }],
  ] as const) {
    refused(await call(key, route, body));
  }
  refused(
    await call('POST /workspaces/{workspaceId}/heartbeats', `${path}/heartbeats`, {
      bootId: 'b',
      seq: 2,
      [mark('an unknown field of a beat', 'answers')]: mark('its value'),
    }),
  );
}

/** What nobody can read in a queue is kept as a dead letter, its body alone; what EC2 says is kept nowhere. */
async function whatComesByQueueAndBus(): Promise<void> {
  const text = () => ({ DataType: 'String', StringValue: mark("a message's attribute") });
  for (const queue of ['reprobe', 'restart', 'parked'] as const) {
    const before = await depthOf(local.queues[`${queue}Dlq`]);
    await admin.sqs.send(
      new SendMessageCommand({
        QueueUrl: local.queues[queue],
        MessageBody: JSON.stringify({
          v: 1,
          kind: 'odd',
          [mark('a name in a message', 'queues')]: mark('a value in it', 'queues'),
        }),
        MessageAttributes: { note: text() },
        ...(queue === 'parked' && { MessageGroupId: 'canary', MessageDeduplicationId: mark('its id') }),
      }),
    );
    await until('it is set aside', async () =>
      (await depthOf(local.queues[`${queue}Dlq`])) > before ? true : undefined,
    );
  }
  const detail = {
    'instance-id': kept.instanceId,
    state: 'pending',
    note: mark('a note in an event of EC2'),
  };
  for (const Detail of [detail, { ...detail, state: mark('a wrong state in an event of EC2') }]) {
    await admin.events.send(
      new PutEventsCommand({
        Entries: [
          {
            Source: 'aws.ec2',
            DetailType: 'EC2 Instance State-change Notification',
            Detail: JSON.stringify(Detail),
          },
        ],
      }),
    );
  }
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, ObjectSchema>>;
}
const fieldsOf = ({ properties = {} }: ObjectSchema): string[] =>
  Object.entries(properties).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);

describe('the inputs that are marked', () => {
  it('are those of every route, and every field of its body is in one', () => {
    const all = (routes as readonly Route[]).map(({ method, path }) => `${method} ${path}`);
    expect(all.filter((key) => !called.has(key))).toEqual([]);
    const fields = Object.values(routeInputs).flatMap(({ body }) =>
      body ? fieldsOf(z.toJSONSchema(body, { io: 'input' }) as ObjectSchema) : [],
    );
    const text = JSON.stringify(sent);
    // The settings of a workspace are numbers and words of our own; one stands for them all.
    const settings = fieldsOf(
      (
        z.toJSONSchema(routeInputs['PUT /workspaces/{workspaceId}'].body ?? z.never(), {
          io: 'input',
        }) as ObjectSchema
      ).properties?.['policy'] ?? {},
    );
    const missing = fields.filter((name) => !text.includes(`"${name}":`) && !settings.includes(name));
    expect([...new Set(missing)]).toEqual([]);
  });

  it('are searched for where they can be found: the marks that may be kept are', () => {
    const everything = JSON.stringify(sinks) + served + refusals.join('');
    const found = [...marks].filter(([text]) => everything.includes(text)).map(([, { what }]) => what);
    const sure = [
      'the body of a request',
      "a header's value",
      "a pause's reason",
      "a yes's reason",
      "a release's reason",
      'bootId',
      'a value in it',
      'a header of an answer',
      "an unknown field's name",
    ];
    expect(found).toEqual(expect.arrayContaining(sure));
    expect(sinks.events.length).toBeGreaterThan(0);
    // What the functions print is among the logs, and so are their metrics.
    expect(sinks.logs.join('')).toMatch(/"message":"message set aside".*"_aws":/s);
    expect(sinks.attributes.length).toBeGreaterThan(0);
    expect(marks.size).toBeGreaterThan(300);
  });
});

describe('a marked secret', () => {
  it.each(['table', 'queues', 'attributes', 'events', 'logs', 'metrics'] as const)(
    'is in no place of the %s where it does not belong',
    (sink) => {
      expect(leakedTo(sink, sinks[sink])).toEqual([]);
    },
  );

  it('is in no answer to a bad call: it names the field, and never says what was in it', () => {
    expect(leakedTo('answers', refusals)).toEqual([]);
  });
});
