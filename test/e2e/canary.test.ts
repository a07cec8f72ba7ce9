import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admin, as, aWorkspace, bodyOf, local, type TestWorkspace } from './fleet.ts';
import { allSinks, keepEvents, type Sinks } from './sinks.ts';
import { depthOf } from './stores.ts';
import { until } from './wait.ts';

/**
 * Marked secrets in every field of every input, and then a search of every place for each of them: a mark may be found
 * where it is listed here, and nowhere else. What nobody keeps is listed nowhere.
 */
type Sink = keyof Sinks;
const marks = new Map<string, { readonly what: string; readonly may: readonly Sink[] }>();
const run = Date.now().toString(36);

function mark(what: string, ...may: Sink[]): string {
  const text = `canary${marks.size}x${run}x`;
  marks.set(text, { what, may });
  return text;
}
const base64 = (text: string) => Buffer.from(text).toString('base64');

let kept: TestWorkspace;
let sinks: Sinks;
/** What the agent of the delivered request was sent. */
let served: string;
beforeAll(async () => {
  const eventsUrl = await keepEvents();
  kept = await aWorkspace();
  await everyInput();
  await until('the dead letters are set aside', async () =>
    (await depthOf(local.queues.reprobeDlq)) > 0 &&
    (await depthOf(local.queues.restartDlq)) > 0 &&
    (await depthOf(local.queues.parkedDlq)) > 0
      ? true
      : undefined,
  );
  sinks = await allSinks(eventsUrl);
}, 300_000);
afterAll(() => kept.agent.close());

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
});

async function everyInput(): Promise<void> {
  const [operator, proxy] = await Promise.all([as('operator'), as('proxy')]);
  const path = `/workspaces/${kept.workspaceId}`;
  const headers = (what: string) => ({
    'x-forwarded-for': mark(`${what}: X-Forwarded-For`),
    'user-agent': mark(`${what}: User-Agent`),
    prefer: mark(`${what}: Prefer`),
    [`x-${mark(`${what}: a header's name`)}`]: mark(`${what}: a header's value`),
  });

  // What is taken: it settles, so a request is parked; paused, it stays where it is.
  const { instanceId } = kept;
  await operator.call(
    'PUT',
    path,
    {
      instanceId,
      port: kept.agent.port,
      path: `/${mark('the path of a workspace', 'table')}`,
    },
    headers('register'),
  );
  await operator.call(
    'PUT',
    `${path}/pause`,
    { reason: mark("a pause's reason", 'table') },
    headers('pause'),
  );
  await proxy.call(
    'POST',
    `${path}/forward-errors`,
    { error: { kind: 'refused' }, request: request() },
    headers('report'),
  );
  await kept.beat(mark('bootId', 'table'), 1);

  // What is delivered, and what its agent answers.
  const delivered = await aWorkspace();
  const asked = request();
  const { requestId } = bodyOf(await delivered.report({ error: { kind: 'refused' }, request: asked }));
  await delivered.untilRequestIs(requestId, 'delivered');
  served = JSON.stringify(delivered.agent.served);
  await operator.call('POST', `/workspaces/${delivered.workspaceId}/settle`, {
    reason: mark("a settle's reason", 'table'),
  });
  await operator.call(
    'POST',
    `/workspaces/${delivered.workspaceId}/restart`,
    { reason: mark("an order's reason", 'table'), force: true },
    { ...headers('restart'), 'idempotency-key': mark("an order's key", 'table') },
  );
  await operator.call('PUT', '/fleet/pause', { reason: mark("a fleet's pause", 'table') });
  await operator.call('DELETE', '/fleet/pause');

  // What is refused: names, values, queries, paths, cursors, and text that is no JSON.
  const reports = `${path}/forward-errors`;
  for (const body of [
    { error: { kind: mark('a wrong kind') } },
    { error: { kind: 'refused' }, [mark("an unknown field's name")]: mark("an unknown field's value") },
    { error: { kind: 'refused', instanceId: mark('a wrong instance id') } },
    { error: { kind: 'refused' }, request: { ...request(), path: mark('a relative path') } },
    { error: { kind: 'refused' }, request: { ...request(), body: `${mark('a body that is not base64')}!` } },
    { error: { kind: 'refused' }, request: { ...request(), method: mark('a wrong method') } },
    {
      error: { kind: 'refused' },
      request: { ...request(), headers: { 'x a': mark('a value of a wrong header') } },
    },
    `{"error": "${mark('text that is cut off')}`,
  ]) {
    expect((await proxy.call('POST', reports, body, headers('refused'))).status).toBe(400);
  }
  const cursor = Buffer.from(JSON.stringify({ pk: mark('a cursor') })).toString('base64url');
  for (const [method, route, body] of [
    ['GET', `${path}?${mark("a query's name")}=${mark("a query's value")}`, undefined],
    ['GET', `${path}/verdicts?cursor=${cursor}`, undefined],
    ['GET', `/workspaces/${mark('an unknown workspace')}`, undefined],
    ['GET', `/requests/${mark('a wrong request id')}`, undefined],
    ['GET', `/${mark('no route')}`, undefined],
    ['PUT', path, { instanceId, port: 1, policy: { [mark("an unknown setting's name")]: 1 } }],
    ['PUT', path, { instanceId, port: 1, path: mark('a wrong path') }],
    ['PUT', `${path}/pause`, { reason: 'x', until: mark('a wrong time') }],
    ['POST', `${path}/settle`, { reason: `${mark('a reason with a line break')}\n` }],
    ['POST', '/dead-letters/redrive', { requestIds: [mark('a wrong id to redrive')] }],
  ] as const) {
    expect((await operator.call(method, route, body, headers(route))).status).toBeGreaterThanOrEqual(400);
  }
  await kept.beat('b', 2, { [mark('an unknown field of a beat')]: mark('its value') });

  // What nobody can read in a queue: dead letters keep it, and only they.
  for (const queue of ['reprobe', 'restart', 'parked'] as const) {
    await admin.sqs.send(
      new SendMessageCommand({
        QueueUrl: local.queues[queue],
        MessageBody: JSON.stringify({
          v: 1,
          kind: 'odd',
          [mark('a name in a message', 'queues')]: mark('a value in it', 'queues'),
        }),
        ...(queue === 'parked' && { MessageGroupId: 'canary', MessageDeduplicationId: run }),
      }),
    );
  }
}

describe('a marked secret', () => {
  it('is searched for where it can be found: the marks that may be kept are', () => {
    const everything = JSON.stringify(sinks) + served;
    const found = [...marks].filter(([text]) => everything.includes(text)).map(([, { what }]) => what);
    const sure = ['the body of a request', "a header's value", "a pause's reason", 'bootId', 'a value in it'];
    expect(found).toEqual(expect.arrayContaining(sure));
    expect(sinks.events.length).toBeGreaterThan(0);
    expect(sinks.logs.join('').length).toBeGreaterThan(1_000);
    expect(marks.size).toBeGreaterThan(100);
  });

  it.each(['table', 'queues', 'events', 'logs', 'metrics'] as const)(
    'is in no place of the %s where it does not belong',
    (sink) => {
      // A body lies in base64 in a message, and a message's own JSON is a text in JSON.
      const texts = sinks[sink].flatMap((text) => [text, ...decoded(text)]);
      const leaked = [...marks].filter(
        ([text, { may }]) => !may.includes(sink) && texts.some((it) => it.includes(text)),
      );
      expect(leaked.map(([, { what }]) => what)).toEqual([]);
    },
  );
});

/** Every part of the text that is base64, read. */
function decoded(text: string): string[] {
  return (text.match(/[A-Za-z0-9+/_-]{24,}={0,2}/g) ?? []).map((part) =>
    Buffer.from(part, 'base64').toString('latin1'),
  );
}
