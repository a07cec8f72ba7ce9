/** Rows 1 to 48 of the catalogue of bad inputs: bodies, paths, headers and signatures at the deployed API. */
import { gzipSync } from 'node:zlib';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Credentials } from '../../local/admin.ts';
import { assumeRole } from '../../local/callers.ts';
import { signedHeaders } from '../../local/signing.ts';
import { bareExchange, rawCall } from './raw-call.ts';
import { anotherCaller } from './another-caller.ts';
import {
  admin,
  aReadyWorkspace,
  aRequest,
  as,
  aWorkspace,
  bodyOf,
  launch,
  local,
  type TestWorkspace,
} from './fleet.ts';
import { changingNothing, expectClientError, expectProblem, untilQueuesRest } from './refusals.ts';

let ws: TestWorkspace;
let path: string;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.untilSettled();
  await untilQueuesRest();
  path = `/workspaces/${ws.workspaceId}`;
});

const refused = { error: { kind: 'refused' } };
const parkable = { ...refused, request: aRequest('row') };
const report = async (body: unknown, headers?: Record<string, string>) =>
  changingNothing(ws, async () => (await as('proxy')).call('POST', `${path}/forward-errors`, body, headers));
const nothingChanges = <T>(act: () => Promise<T>) => changingNothing(ws, act);
const credentials = async () => assumeRole(local, 'proxy', 'rows');
/** A signed call with a body of bytes. */
const bytes = async (body: Buffer, headers: Record<string, string> = {}) =>
  nothingChanges(async () =>
    rawCall({
      method: 'POST',
      path: `${path}/forward-errors`,
      body,
      headers,
      credentials: await credentials(),
    }),
  );

describe('a body', () => {
  it.each([
    ['row 1: empty', ''],
    ['row 2: not JSON', 'kind=refused'],
    ['row 3: null', 'null'],
    ['row 4: an array', '[]'],
    ['row 5: a number', '5'],
    ['row 5: a text', '"refused"'],
    ['row 6: cut off', '{"error":{"kind":"refu'],
    ['row 8: with a byte-order mark', `\ufeff${JSON.stringify(refused)}`],
    ['row 11: nested 10,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['row 11: nested 10,000 deep in lists', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ])('%s - 400 invalid-input', async (_row, body) => {
    const answer = await report(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  });

  it('row 7: with a key twice - the last one counts, as JSON says, and it is judged like any other', async () => {
    expectProblem(
      await report('{"error":{"kind":"refused","kind":"sleepy"}}'),
      400,
      'invalid-input',
      'error.kind',
    );
  });

  it.each([
    ['row 8: in UTF-16', Buffer.from(JSON.stringify(refused), 'utf16le')],
    [
      'row 9: not UTF-8',
      Buffer.concat([Buffer.from('{"error":{"kind":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from('"}}')]),
    ],
    ['row 15: a gzip bomb', gzipSync(Buffer.alloc(20_000_000))],
  ])('%s - a 4xx', async (_row, body) => {
    expectClientError(await bytes(body, { 'content-type': 'application/json' }));
  });

  it('row 10: with a lone surrogate - 400, where a text is kept', async () => {
    const text = `{"error":{"kind":"refused"},"request":{"id":"\\ud800","method":"GET","path":"/"}}`;
    expectProblem(await report(text), 400, 'invalid-input', 'request.id');
  });

  it('row 12: of 1 MiB and a byte, as a request of over 700 KiB - 413 too-large', async () => {
    const body = Buffer.alloc(700 * 1024 + 1, 'x').toString('base64');
    const answer = await report({ ...refused, request: aRequest('large', { body }) });
    expectProblem(answer, 413, 'too-large');
  });

  it('row 13: of 10 MB - a 4xx', async () => {
    expectClientError(await bytes(Buffer.alloc(10_000_001, 'x')));
  });

  it('row 14: said to be base64 and is not - 400', async () => {
    const answer = await report({ ...refused, request: aRequest('base64', { body: 'not base64!' }) });
    expectProblem(answer, 400, 'invalid-input', 'request.body');
  });

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonp'])(
    'row 16: of the content type %j, though it is good JSON - 400 that names the header',
    async (type) => {
      expectProblem(await report(refused, { 'content-type': type }), 400, 'invalid-input', 'Content-Type');
    },
  );

  it('row 16: that says it is JSON and is not - 400', async () => {
    const answer = await report('<error/>', { 'content-type': 'application/json' });
    expectProblem(answer, 400, 'invalid-input', 'body');
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'row 17: with the key %s - 400 that names it',
    async (key) => {
      expectProblem(
        await report(`{"error":{"kind":"refused"},"${key}":{"admin":true}}`),
        400,
        'invalid-input',
        key,
      );
    },
  );

  it('row 18: with more fields - 400 that names each', async () => {
    const answer = await report({ ...refused, a: 1, b: 2 });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'a' }, { field: 'b' }] } });
  });
});

describe('a path', () => {
  it.each([
    ['row 21: an empty workspace id', ''],
    ['row 22: one of 10,000 characters', 'a'.repeat(10_000)],
    ['row 23: one with a slash', 'a/b'],
    ['row 23: dots', '..'],
    ['row 23: dots in disguise', '%2e%2e%2f'],
    ['row 23: a null', 'a%00b'],
    ['row 24: one that reaches for another key', 'a%23STATE'],
    ['row 24: one with a bar', 'a%7Cb'],
    ['row 25: look-alikes', encodeURIComponent('ｗｓ－１')],
    ['row 25: one not normalised', encodeURIComponent('e\u0301')],
    ['row 26: one written from the right', encodeURIComponent('\u202ews')],
    ['row 27: a line break', 'a%0d%0ab'],
    ['row 28: colours of a terminal', 'a%1b%5b31m'],
    ['row 29: a look-up', encodeURIComponent('${jndi:ldap://x}')],
    ['row 29: a template', encodeURIComponent('{{7*7}}')],
    ['row 29: a quote', encodeURIComponent("' OR 1=1--")],
  ])('%s - a 4xx', async (_row, id) => {
    const answer = await nothingChanges(async () =>
      (await as('proxy')).call('GET', `/workspaces/${id}/verdicts`),
    );
    expectClientError(answer);
  });

  it.each([
    ['malformed', 'i-123'],
    ['an ARN', 'arn:aws:ec2:us-east-1:000000000000:instance/i-0123456789abcdef0'],
    ['unknown', 'i-0123456789abcdef0'],
  ])('row 30: an instance id that is %s - a 4xx', async (_what, instanceId) => {
    const answer = await nothingChanges(async () =>
      (await as('operator')).call('PUT', path, { instanceId, port: 1 }),
    );
    expectClientError(answer);
  });

  it('row 30: an instance of somebody else, without the tag - a 4xx', async () => {
    const instanceId = await launch(false);
    expectClientError(
      await nothingChanges(async () => (await as('operator')).call('PUT', path, { instanceId, port: 1 })),
    );
  });

  it('row 31: a workspace that never was - 404 on every route that names one', async () => {
    const operator = await as('operator');
    for (const [method, route, body] of [
      ['GET', '', undefined],
      ['GET', '/verdicts', undefined],
      ['GET', '/requests', undefined],
      ['GET', '/timeline', undefined],
      ['POST', '/settle', { reason: 'x' }],
      ['POST', '/restart', { reason: 'x' }],
      ['PUT', '/pause', { reason: 'x' }],
      ['DELETE', '/pause', undefined],
      ['DELETE', '', undefined],
    ] as const) {
      expectProblem(
        await operator.call(method, `/workspaces/never-was${route}`, body),
        404,
        'unknown-workspace',
      );
    }
    expectProblem(
      await (await as('proxy')).call('POST', '/workspaces/never-was/forward-errors', refused),
      404,
      'unknown-workspace',
    );
  });

  it('row 32: a workspace that was removed - 404, and it stays removed', async () => {
    const gone = await aWorkspace();
    const operator = await as('operator');
    expect((await operator.call('DELETE', `/workspaces/${gone.workspaceId}`)).status).toBe(204);
    const answer = await changingNothing(gone, () => gone.report(parkable));
    expectProblem(answer, 404, 'unknown-workspace');
    expectProblem(
      await operator.call('GET', `/workspaces/${gone.workspaceId}/requests`),
      404,
      'unknown-workspace',
    );
  });

  it('row 33 and 43: a request of another role, with every right of the gateway - 404 as one that never was', async () => {
    const busy = await aReadyWorkspace();
    const { requestId } = bodyOf(await busy.report(parkable)) as { requestId: string };
    const stranger = await anotherCaller('row-33', 'call everything');
    for (const method of ['GET', 'DELETE']) {
      const [foreign, missing] = await Promise.all([
        stranger.call(method, `/requests/${requestId}`),
        stranger.call(method, '/requests/01KANEVERWASAAAAAAAAAAAAAA'),
      ]);
      expectProblem(foreign, 404, 'unknown-request');
      expect(foreign.body).toEqual(missing.body);
    }
    await busy.untilRequestIs(requestId, 'delivered');
    await untilQueuesRest();
  });
});

describe('a number', () => {
  it.each(['NaN', '-1', '1e309', '"502"', '200', '502.5', 'null'])(
    'row 34: a status of %s - 400',
    async (status) => {
      const answer = await report(`{"error":{"kind":"upstream","status":${status}}}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    },
  );

  it.each([
    '-1',
    '0',
    '1700000000',
    '1700000000000',
    '"9999-12-31T23:59:59Z"',
    '"0001-01-01T00:00:00Z"',
    '"1969-12-31T23:59:59Z"',
    '"tomorrow"',
    '1.5',
    '1e20',
    'null',
  ])('row 35: a lease until %s - 400', async (busyUntil) => {
    const agent = await as('agent', ws.instanceId);
    const answer = await nothingChanges(() =>
      agent.call('POST', `${path}/heartbeats`, `{"bootId":"b","seq":1,"busyUntil":${busyUntil}}`),
    );
    expectProblem(answer, 400, 'invalid-input', 'busyUntil');
  });

  it('row 35: a lease for an hour - 400, since 15 minutes are the most', async () => {
    const busyUntil = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await nothingChanges(() => ws.beat('b', 1, { busyUntil }));
    expectProblem(answer, 400, 'invalid-input', 'busyUntil');
  });

  it.each([-1, 0, 1.5, 86_401, 1e12])(
    'row 36 and 62: a request that expires in %d s - 400',
    async (expiresInSeconds) => {
      const answer = await report({ ...refused, request: aRequest('expiry', { expiresInSeconds }) });
      expectProblem(answer, 400, 'invalid-input', 'request.expiresInSeconds');
    },
  );
});

describe('an idempotency key', () => {
  it.each(['', ' ', 'a b', 'x'.repeat(10_000), 'ä'])('row 37: %j - 400', async (id) => {
    expectProblem(
      await report({ ...refused, request: aRequest('x', { id }) }),
      400,
      'invalid-input',
      'request.id',
    );
  });

  it.each(['', 'a b', 'x'.repeat(3_000)])('row 37: of an ordered restart, %j - 400', async (key) => {
    const answer = await nothingChanges(async () =>
      (await as('operator')).call('POST', `${path}/restart`, { reason: 'x' }, { 'idempotency-key': key }),
    );
    expectClientError(answer);
  });

  it('row 37: used again with another body - 409; by another role - a request of its own', async () => {
    const busy = await aReadyWorkspace();
    const first = await busy.report({ ...refused, request: aRequest('again') });
    const other = await busy.report({ ...refused, request: aRequest('again', { body: 'b3RoZXI=' }) });
    expectProblem(other, 409, 'idempotency-conflict');
    const stranger = await anotherCaller('row-37', 'call everything');
    const foreign = await stranger.call('POST', `/workspaces/${busy.workspaceId}/forward-errors`, {
      ...refused,
      request: aRequest('again'),
    });
    expect(foreign.status).toBe(202);
    expect(bodyOf(foreign)['requestId']).not.toBe(bodyOf(first)['requestId']);
    await busy.untilRequestIs(bodyOf(first)['requestId'], 'delivered');
    await busy.untilRequestIs(bodyOf(foreign)['requestId'], 'delivered');
    await untilQueuesRest();
  });
});

describe('headers and signatures', () => {
  it('row 38: headers of more than 10,240 bytes with a wrong body - a 4xx', async () => {
    expectClientError(await report('{', { 'x-filler': 'x'.repeat(11_000) }));
  });

  it.each([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 5']],
    ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
    ['two hosts', ['Host: evil.example']],
  ])('row 39: %s - a 4xx, or no answer at all', async (_what, lines) => {
    const answer = await nothingChanges(() => rawLines(`POST ${path}/forward-errors HTTP/1.1`, lines, '{}'));
    expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
  });

  it('row 40: forwarded headers - no caller becomes another by them', async () => {
    const answer = await nothingChanges(async () =>
      (await as('agent', 'i-0fffffffffffffff0')).call(
        'POST',
        `${path}/heartbeats`,
        { bootId: 'b', seq: 1 },
        {
          'x-forwarded-for': '127.0.0.1',
          'x-forwarded-host': 'localhost',
          'x-amzn-iam-user-arn': `arn:aws:sts::000000000000:assumed-role/Agent/${ws.instanceId}`,
        },
      ),
    );
    expectProblem(answer, 403, 'wrong-instance');
  });

  // AWS also refuses a signature for another service, for another body, or of another hour; the emulator looks at none.
  it.each([
    ['of another region', () => ({ region: 'eu-central-1' })],
    ['of a key that is none', () => ({ credentials: { accessKeyId: 'AKIAFORGED', secretAccessKey: 'x' } })],
    ['by a wrong secret', (right: Credentials) => ({ credentials: { ...right, secretAccessKey: 'wrong' } })],
  ])('row 41: a signature %s - 403', async (what, changes) => {
    const body = JSON.stringify(refused);
    const url = new URL(`${local.apiUrl}${path}/forward-errors`);
    const request = { method: 'POST', url, headers: { 'content-type': 'application/json' }, body };
    const right = await credentials();
    const signing = { service: 'execute-api', region: local.region, credentials: right, ...changes(right) };
    const headers = await signedHeaders(request, signing);
    const answer = await nothingChanges(() =>
      rawCall({ method: 'POST', path: `${path}/forward-errors`, body: Buffer.from(body), headers }),
    );
    expect(answer.status, what).toBe(403);
  });

  it('row 41: a signed call that is replayed - the first answer again, and the request is kept once', async () => {
    const busy = await aReadyWorkspace();
    const body = Buffer.from(JSON.stringify({ ...refused, request: aRequest('replayed') }));
    const reports = `/workspaces/${busy.workspaceId}/forward-errors`;
    const url = new URL(`${local.apiUrl}${reports}`);
    const headers = await signedHeaders(
      { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: body.toString() },
      { service: 'execute-api', region: local.region, credentials: await credentials() },
    );
    const call = () => rawCall({ method: 'POST', path: reports, body, headers });
    const [first, again] = [await call(), await call()];
    expect(first.status).toBe(202);
    expect(JSON.parse(again.body as string)).toEqual(JSON.parse(first.body as string));
    const { requestId } = JSON.parse(first.body as string) as { requestId: string };
    await busy.untilRequestIs(requestId, 'delivered');
    expect(busy.agent.served).toHaveLength(1);
    await untilQueuesRest();
  });

  it('row 44: another method by a header - the method of the line counts', async () => {
    const answer = await nothingChanges(async () =>
      (await as('proxy')).call('GET', path, undefined, { 'x-http-method-override': 'DELETE' }),
    );
    expect(answer.status).toBe(200);
  });

  it.each(['//workspaces', '/workspaces/', '/Workspaces', '/$default/workspaces', '/workspaces/../fleet/'])(
    'row 45: the path %s - no route, or not this caller’s',
    async (odd) => {
      const answer = await nothingChanges(async () => (await as('proxy')).call('GET', odd));
      expectClientError(answer);
    },
  );

  it.each([
    'limit=1&limit=2',
    'limit=0',
    'limit=-1',
    'limit=1e9',
    'limit=',
    'cursor=',
    'cursor=x',
    'limits=5',
    'state=gone',
  ])('row 46: the query %s - 400', async (query) => {
    const answer = await nothingChanges(async () =>
      (await as('operator')).call('GET', `${path}/requests?${query}`),
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  });

  it.each([
    ['nothing', {}],
    ['a message of a queue', { Records: [{ messageId: 'm', eventSource: 'aws:sqs', body: '{}' }] }],
    [
      'version 1 of the gateway',
      {
        version: '1.0',
        httpMethod: 'DELETE',
        path: '/fleet/pause',
        requestContext: { identity: { userArn: 'arn:aws:iam::000000000000:user/x' } },
      },
    ],
    ['row 48, no context', { version: '2.0', routeKey: 'DELETE /fleet/pause', headers: {} }],
    [
      'row 48, an empty context',
      { version: '2.0', routeKey: 'DELETE /fleet/pause', headers: {}, requestContext: {} },
    ],
  ])('row 47: a direct Invoke with %s - 403, and nothing happens', async (_what, event) => {
    for (const name of ['operate', 'lookup', 'heartbeat', 'forwardError'] as const) {
      const { Payload, FunctionError } = await nothingChanges(() =>
        admin.lambda.send(
          new InvokeCommand({
            FunctionName: local.functions[name],
            Payload: Buffer.from(JSON.stringify(event)),
          }),
        ),
      );
      expect(FunctionError).toBeUndefined();
      const answer = JSON.parse(Buffer.from(Payload ?? []).toString()) as object;
      expect(answer).toMatchObject({ statusCode: 403 });
    }
  });
});

/** Lines that no well-behaved client sends, over a bare socket. */
function rawLines(first: string, lines: readonly string[], body: string): Promise<string> {
  const { host } = new URL(local.apiUrl);
  return bareExchange([first, `Host: ${host}`, ...lines, 'Connection: close', '', body].join('\r\n'));
}
