/** Rows 49 to 66 of the catalogue of bad inputs: what a parked request says of itself, and where it may lead. */
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { aReadyWorkspace, aRequest, as, aWorkspace, bodyOf, type TestWorkspace } from './fleet.ts';
import { changingNothing, expectProblem, untilQueuesRest } from './refusals.ts';
import { until } from './wait.ts';

let ws: TestWorkspace;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.untilSettled();
  await untilQueuesRest();
});

const refused = { error: { kind: 'refused' } };
const withRequest = (more: object) => ({ ...refused, request: { ...aRequest('row'), ...more } });
const expectRefused = async (body: Record<string, unknown>, field: string) =>
  expectProblem(await changingNothing(ws, () => ws.report(body)), 400, 'invalid-input', field);

describe('a target', () => {
  it.each(['url', 'host', 'address', 'target', 'endpoint'])(
    'row 49: a request with a field %s - 400 that names it',
    async (field) => {
      await expectRefused(withRequest({ [field]: 'http://169.254.169.254/' }), `request.${field}`);
    },
  );

  it.each([
    'http://169.254.169.254/',
    '[fd00:ec2::254]',
    '127.0.0.1',
    'localhost',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '[::ffff:127.0.0.1]',
    'user@host',
    'evil.example#@ws',
    'rebind.example',
    'file:///etc/passwd',
    'gopher://10.0.1.5',
  ])(
    'rows 50 to 61: a registration with the address %s - 400, since EC2 alone says where',
    async (address) => {
      const operator = await as('operator');
      for (const field of ['address', 'host', 'privateIp']) {
        const answer = await changingNothing(ws, () =>
          operator.call('PUT', `/workspaces/${ws.workspaceId}`, {
            instanceId: ws.instanceId,
            port: ws.agent.port,
            [field]: address,
          }),
        );
        expectProblem(answer, 400, 'invalid-input', field);
      }
    },
  );

  it.each(['http://169.254.169.254/', '//169.254.169.254/', '@169.254.169.254', 'file:///etc/passwd'])(
    'rows 50 to 61: a path %s - 400, in a request and in a registration',
    async (path) => {
      await expectRefused(withRequest({ path }), 'request.path');
      const operator = await as('operator');
      const answer = await changingNothing(ws, () =>
        operator.call('PUT', `/workspaces/${ws.workspaceId}`, {
          instanceId: ws.instanceId,
          port: ws.agent.port,
          path,
        }),
      );
      expectProblem(answer, 400, 'invalid-input', 'path');
    },
  );

  it('row 60: an agent that sends elsewhere - nobody goes there, and the request is no less parked', async () => {
    const seen: string[] = [];
    const elsewhere = http.createServer((_, answer) => {
      seen.push('elsewhere');
      answer.end();
    });
    const agent = http.createServer((_, answer) => {
      seen.push('agent');
      const { port } = elsewhere.address() as AddressInfo;
      answer.writeHead(302, { location: `http://127.0.0.1:${port}/latest/meta-data/` }).end();
    });
    for (const server of [elsewhere, agent]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    try {
      const lured = await aReadyWorkspace();
      const operator = await as('operator');
      const path = `/workspaces/${lured.workspaceId}`;
      const { port } = agent.address() as AddressInfo;
      await operator.call('PUT', path, { instanceId: lured.instanceId, port });
      const { requestId } = bodyOf(await lured.report(withRequest({ id: 'lured' }))) as { requestId: string };
      await until('the agent was asked', () => Promise.resolve(seen.includes('agent') || undefined));
      await until('the attempt is noted', async () =>
        (await lured.request(requestId))['state'] === 'parked' ? true : undefined,
      );
      expect(seen).not.toContain('elsewhere');
      expect((await operator.call('DELETE', `/requests/${requestId}`)).status).toBe(200);
      await untilQueuesRest();
    } finally {
      for (const server of [elsewhere, agent]) {
        server.closeAllConnections();
        server.close();
      }
    }
  });
});

describe('a request', () => {
  it.each([0, -1, 86_401, 1.5])('row 62: that expires in %d s - 400', async (expiresInSeconds) => {
    await expectRefused(withRequest({ expiresInSeconds }), 'request.expiresInSeconds');
  });

  it('row 62: that does not say when it expires - an hour', async () => {
    const busy = await aReadyWorkspace();
    const { requestId, expiresAt } = bodyOf(await busy.report(withRequest({ id: 'hour' }))) as Record<
      string,
      string
    >;
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeGreaterThan(3_590_000);
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeLessThan(3_610_000);
    await busy.untilRequestIs(requestId, 'delivered');
    await untilQueuesRest();
  });

  it.each([
    ['a line break', { 'x-a': 'b\r\nHost: evil.example' }],
    ['a null', { 'x-a': '\u0000' }],
    ['a name with a space', { 'x a': 'b' }],
    ['a name with a line break', { 'x\r\na': 'b' }],
    ['a name that is empty', { '': 'b' }],
  ])('row 63: with a header of %s - 400', async (_what, headers) => {
    const answer = await changingNothing(ws, () => ws.report(withRequest({ headers })));
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  });

  it('row 63: with credentials and headers of the hop - they are not kept', async () => {
    const busy = await aReadyWorkspace();
    const headers = {
      'X-Kept': 'yes',
      Authorization: 'Bearer secret',
      Cookie: 'session=secret',
      'Proxy-Authorization': 'Basic secret',
      Connection: 'x-hop',
      'X-Hop': 'secret',
      'Transfer-Encoding': 'chunked',
      Host: 'evil.example',
      Te: 'trailers',
      Upgrade: 'h2c',
      'Defib-Attempt': '99',
    };
    const { requestId } = bodyOf(await busy.report(withRequest({ id: 'hop', headers }))) as {
      requestId: string;
    };
    await busy.untilRequestIs(requestId, 'delivered');
    const [served] = busy.agent.served;
    expect(JSON.stringify(served)).not.toMatch(/secret|evil/);
    expect(served?.headers).toMatchObject({ 'x-kept': 'yes', 'defib-attempt': '1' });
    await untilQueuesRest();
  });

  it('row 64: with a key that stood for another body - 409, the first is delivered and no other', async () => {
    const busy = await aReadyWorkspace();
    const first = bodyOf(await busy.report(withRequest({ id: 'same' })));
    expectProblem(
      await busy.report(withRequest({ id: 'same', body: 'b3RoZXI=' })),
      409,
      'idempotency-conflict',
    );
    await busy.untilRequestIs(first['requestId'], 'delivered');
    expect(busy.agent.served.map(({ body }) => body)).toEqual(['hello row']);
    await untilQueuesRest();
  });

  it.each(['CONNECT', 'TRACE', 'get', 'FOO', '', 'GET / HTTP/1.1\r\nX: y'])(
    'row 65: of the method %j - 400',
    async (method) => {
      await expectRefused(withRequest({ method }), 'request.method');
    },
  );

  it.each([
    '/../admin',
    '/a/../../b',
    '/%2e%2e/b',
    '/a/%2E%2e%2fb',
    '/a%5c..%5cb',
    '/./a',
    'relative',
    '/a b',
    '/a#b',
    '/\u0000',
  ])('row 66: to the path %j - 400', async (path) => {
    await expectRefused(withRequest({ path }), 'request.path');
  });
});
