import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { json } from '../../core/answer.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { InvalidInputError, type ApiCall } from '../../lambdas/runtime/api-call.ts';
import { apiHandler } from '../../lambdas/runtime/http.ts';
import { NOW_MS, stoppedClock } from './mocked-aws.ts';

type Event = Parameters<ReturnType<typeof apiHandler>>[0];

const event = (changes: object = {}): Event =>
  ({
    version: '2.0',
    routeKey: 'PUT /workspaces/{workspaceId}',
    headers: { 'Content-Type': 'application/json' },
    pathParameters: { workspaceId: 'ws-1' },
    requestContext: {
      timeEpoch: NOW_MS - 200,
      authorizer: { iam: { userArn: 'arn:aws:sts::000000000000:assumed-role/operator/session-1' } },
    },
    body: '{}',
    isBase64Encoded: false,
    ...changes,
  }) as unknown as Event;

async function run(input: Event, handle: (call: ApiCall) => Promise<ReturnType<typeof json>>) {
  const response = await apiHandler(telemetry(), stoppedClock(), handle)(input, {} as Context);
  return {
    ...response,
    body: response.body === undefined ? undefined : (JSON.parse(response.body) as Record<string, unknown>),
  };
}

describe('a call', () => {
  it('reaches the use case with its caller and a time range over both clocks', async () => {
    let seen: ApiCall | undefined;
    await run(event(), (call) => {
      seen = call;
      return Promise.resolve(json(200, {}));
    });
    expect(seen).toMatchObject({
      caller: { principal: 'role/operator', roleName: 'operator', session: 'session-1' },
      now: { earliestMs: NOW_MS - 200, latestMs: NOW_MS },
      headers: { 'content-type': 'application/json' },
    });
  });

  it.each(['text/plain', 'Multipart/Form-Data; boundary=x', 'application/xml', 'application/jsonp'])(
    'with a body that is said to be %s (row 16) - 400 that names the header, the use case is not run',
    async (type) => {
      const response = await run(event({ headers: { 'Content-Type': type } }), () =>
        Promise.reject(new Error('not to be run')),
      );
      expect(response).toMatchObject({ statusCode: 400, body: { errors: [{ field: 'Content-Type' }] } });
    },
  );

  it.each([{}, { 'content-type': '' }, { 'content-type': 'APPLICATION/JSON; charset=utf-8' }])(
    'with a body that is said to be JSON, or nothing (%j) - reaches the use case',
    async (headers) => {
      const response = await run(event({ headers }), () => Promise.resolve(json(200, {})));
      expect(response.statusCode).toBe(200);
    },
  );

  it('without a known caller - 403, the use case is not run', async () => {
    const response = await run(event({ requestContext: {} }), () =>
      Promise.reject(new Error('not to be run')),
    );
    expect(response).toMatchObject({ statusCode: 403, body: { code: 'forbidden' } });
  });

  it.each([
    'PUT /workspaces/{workspaceId}',
    'DELETE /fleet/pause',
    'POST /fleet/brake/release',
    'GET /fleet',
    'DELETE /requests/{requestId}',
    'POST /workspaces/{workspaceId}/heartbeats',
  ])(
    'of %s with a query parameter that it does not know - 400 that names it, the use case is not run',
    async (routeKey) => {
      const response = await run(event({ routeKey, queryStringParameters: { forced: 'true' } }), () =>
        Promise.reject(new Error('not to be run')),
      );
      expect(response).toMatchObject({
        statusCode: 400,
        body: { code: 'invalid-input', errors: [{ field: 'forced', problem: 'is not a known field' }] },
      });
    },
  );

  it('with the one parameter that removing takes - reaches the use case', async () => {
    const removal = event({
      routeKey: 'DELETE /workspaces/{workspaceId}',
      queryStringParameters: { parked: 'refuse' },
    });
    expect(await run(removal, () => Promise.resolve(json(200, {})))).toMatchObject({ statusCode: 200 });
  });

  it.each([
    ['a direct Invoke', {}],
    ['a message of a queue', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    [
      'version 1 of the gateway',
      {
        version: '1.0',
        httpMethod: 'GET',
        requestContext: { identity: { userArn: 'arn:aws:iam::0:user/x' } },
      },
    ],
    ['a gateway without a context', { version: '2.0', routeKey: 'GET /fleet', headers: {} }],
  ])('from %s - 403, the use case is not run', async (_what, raw) => {
    const response = await run(raw as unknown as Event, () => Promise.reject(new Error('not to be run')));
    expect(response).toMatchObject({ statusCode: 403, body: { code: 'forbidden' } });
  });

  it('with wrong input - 400 that names each field, as problem+json', async () => {
    const problems = [{ field: 'port', problem: 'is missing' }];
    const response = await run(event(), () => Promise.reject(new InvalidInputError(problems)));
    expect(response).toMatchObject({
      statusCode: 400,
      headers: { 'content-type': 'application/problem+json' },
      body: { code: 'invalid-input', errors: problems },
    });
  });

  it('that meets a fault - 503 with Retry-After; nothing of the fault in the answer, nor what nobody can know', async () => {
    const response = await run(event(), () => Promise.reject(new Error('secret detail')));
    expect(response).toMatchObject({
      statusCode: 503,
      headers: { 'retry-after': '5' },
      body: { code: 'unavailable' },
    });
    expect(JSON.stringify(response)).not.toContain('secret detail');
    expect(JSON.stringify(response)).not.toMatch(/nothing was/i);
  });

  it('whose base64 body is not UTF-8 - 400', async () => {
    const body = Buffer.from([0xff, 0xfe, 0x00]).toString('base64');
    const response = await run(event({ body, isBase64Encoded: true }), () => Promise.resolve(json(200, {})));
    expect(response).toMatchObject({ statusCode: 400 });
  });
});
