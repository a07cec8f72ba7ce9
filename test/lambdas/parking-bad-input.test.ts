/** Bad inputs, rows 49 to 66: what a caller, a registry or an agent says to have a request sent where it must not go. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { AgentRequest } from '../../lambdas/ports/agents.ts';
import { apiCall, aRequest, forwardError, received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';
import { aMessage, answered, endings, finds, rowItem, sentTo } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
let asked: AgentRequest[];
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  asked = [];
  ports = portsOver(aws, (request) => {
    asked.push(request);
    return answered(200);
  });
  finds(aws, {});
  holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }));
});

const parks = (request: unknown, more: object = {}) =>
  handleForwardError(forwardError({ error: { kind: 'refused' }, request, ...more }), ports);
const refusedByField = (field: string) => ({
  name: 'InvalidInputError',
  problems: expect.arrayContaining([
    expect.objectContaining({ field: expect.stringContaining(field) as string }),
  ]) as unknown,
});
const writes = () =>
  [PutCommand, UpdateCommand, TransactWriteCommand].reduce(
    (sum, command) => sum + aws.dynamo.commandCalls(command as never).length,
    sentTo(aws, 'parked').length,
  );

describe('49 a body that carries an address', () => {
  it.each(['url', 'host', 'address', 'port', 'scheme'])(
    '49 the request has a field %s - refused by its name, nothing is written',
    async (field) => {
      await expect(parks({ ...aRequest, [field]: 'http://169.254.169.254/' })).rejects.toMatchObject(
        refusedByField(`request.${field}`),
      );
      expect(writes()).toBe(0);
    },
  );

  it('49 the report has a field url - refused by its name', async () => {
    await expect(parks(aRequest, { url: 'http://evil.example/' })).rejects.toMatchObject(
      refusedByField('url'),
    );
    expect(writes()).toBe(0);
  });

  it('49 a Host header, or one that forwards - says nothing of where it goes, and Host is not kept', async () => {
    await parks({ ...aRequest, headers: { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example' } });
    const headers = sentTo(aws, 'parked')[0]?.message['headers'];
    expect(headers).not.toHaveProperty('host');
    holds(aws, aStoredWorkspace(), [rowItem()]);
    ec2Shows(aws, 'running');
    await handleDeliveries([received(aMessage({ headers: headers as Record<string, string> }))], ports);
    expect(asked[0]?.address).toBe('10.0.1.5');
  });

  it("49 the agent's own JSON has a url in it - bytes like any others: kept as they are, never read", async () => {
    const body = Buffer.from('{"url":"http://169.254.169.254/"}').toString('base64');
    await parks({ ...aRequest, body });
    expect(sentTo(aws, 'parked')).toMatchObject([{ message: { body } }]);
  });
});

describe('50-61 a poisoned address', () => {
  const poisoned = [
    [50, 'http://169.254.169.254/'],
    [50, '169.254.169.254'],
    [51, '[fd00:ec2::254]'],
    [51, 'fd00:ec2::254'],
    [52, '127.0.0.1'],
    [53, 'localhost'],
    [54, '0.0.0.0'],
    [55, '2130706433'],
    [56, '0x7f.1'],
    [57, '[::ffff:127.0.0.1]'],
    [57, '::ffff:127.0.0.1'],
    [58, 'user@10.0.1.5'],
    [59, 'evil.example#@10.0.1.5'],
    [60, 'rebind.evil.example'],
    [61, 'file:///etc/passwd'],
    [61, 'gopher://10.0.1.5/'],
  ] as const;

  it.each(poisoned)(
    '%i %s where the address of the instance should be - no socket is opened',
    async (_row, privateIp) => {
      holds(aws, aStoredWorkspace(), [rowItem()]);
      ec2Shows(aws, 'running', { privateIp });
      // Even a subnet that holds everything lets none of these through.
      const settled = await handleDeliveries([received(aMessage())], {
        ...ports,
        reach: { cidrs: ['0.0.0.0/0'] },
      });
      expect(settled.get('message-1')).toEqual({ kind: 'done' });
      expect(asked).toHaveLength(0);
      expect(endings(aws)).toMatchObject([
        { state: 'dead-lettered', why: expect.stringMatching(/^address-/) as string },
      ]);
      expect(ports.log.counted).toContain('AddressRefused');
    },
  );

  it.each(poisoned)(
    '%i %s as what is registered - refused by the field, nothing is written',
    async (_row, value) => {
      const register = (body: object) =>
        handleOperate(apiCall('PUT /workspaces/{workspaceId}', body), {
          ...ports,
          registry: registry(openTable(TABLE)),
          workspaceTag: { Key: 'k', Value: 'v' },
          operatorRoles: ['operator'],
          reporterRoles: ['proxy'],
        });
      const good = { instanceId: 'i-0123456789abcdef0', port: 8080 };
      await expect(register({ ...good, instanceId: value })).rejects.toMatchObject(
        refusedByField('instanceId'),
      );
      await expect(register({ ...good, address: value })).rejects.toMatchObject(refusedByField('address'));
      await expect(register({ ...good, protocol: value })).rejects.toMatchObject(refusedByField('protocol'));
      await expect(register({ ...good, path: value })).rejects.toMatchObject(refusedByField('path'));
      expect(writes()).toBe(0);
      expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(0);
    },
  );

  it('60 an address that changes between two looks - the one that was checked is the one that is spoken to', async () => {
    holds(aws, aStoredWorkspace(), [rowItem()]);
    ec2Shows(aws, 'running');
    const agents = {
      send: (request: AgentRequest) => {
        ec2Shows(aws, 'running', { privateIp: '169.254.169.254' });
        asked.push(request);
        return Promise.resolve(answered(200));
      },
    };
    await handleDeliveries([received(aMessage())], { ...ports, agents });
    expect(asked.map(({ address }) => address)).toEqual(['10.0.1.5']);
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
    await handleDeliveries([received(aMessage())], { ...ports, agents });
    expect(asked).toHaveLength(1);
  });

  it('61 the agent answers 302 to the metadata service - not followed: no delivery, and tried again where it was', async () => {
    holds(aws, aStoredWorkspace(), [rowItem()]);
    ec2Shows(aws, 'running');
    const location = 'http://169.254.169.254/latest/meta-data/';
    const agents = {
      send: (request: AgentRequest) => {
        asked.push(request);
        return Promise.resolve(answered(302, { location }));
      },
    };
    const settled = await handleDeliveries([received(aMessage())], { ...ports, agents });
    expect(settled.get('message-1')).toMatchObject({ kind: 'again' });
    expect(asked.map(({ address }) => address)).toEqual(['10.0.1.5']);
    expect(endings(aws)).toEqual([]);
  });
});

describe('62 an expiry that is none', () => {
  it.each([-1, 0, 86_401, 1.5, '60', null])(
    '62 expiresInSeconds %j - refused by the field, nothing is written',
    async (expiresInSeconds) => {
      await expect(parks({ ...aRequest, expiresInSeconds })).rejects.toMatchObject(
        refusedByField('request.expiresInSeconds'),
      );
      expect(writes()).toBe(0);
    },
  );

  it('62 expiresInSeconds 1e309, past all numbers - refused by the field, nothing is written', async () => {
    const text = JSON.stringify({
      error: { kind: 'refused' },
      request: { ...aRequest, expiresInSeconds: 0 },
    });
    const call = forwardError(text.replace('"expiresInSeconds":0', '"expiresInSeconds":1e309'));
    await expect(handleForwardError(call, ports)).rejects.toMatchObject(
      refusedByField('request.expiresInSeconds'),
    );
    expect(writes()).toBe(0);
  });

  it.each([
    [undefined, 3600],
    [1, 1],
    [86_400, 86_400],
  ])('62 expiresInSeconds %j - %i s', async (expiresInSeconds, seconds) => {
    const told = await parks({ ...aRequest, ...(expiresInSeconds !== undefined && { expiresInSeconds }) });
    expect(told.body?.['expiresAt']).toBe(new Date(NOW_MS + seconds * 1000).toISOString());
  });
});

describe('63 headers that are not to be passed on', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
    'Content-Length',
  ])('63 hop-by-hop: %s - not kept', async (name) => {
    await parks({ ...aRequest, headers: { [name]: 'x', accept: 'y' } });
    expect(sentTo(aws, 'parked')[0]?.message['headers']).toEqual({ accept: 'y' });
  });

  it.each(['Authorization', 'Cookie', 'authorization'])('63 credentials: %s - never kept', async (name) => {
    await parks({ ...aRequest, headers: { [name]: 'canary-secret' } });
    const [sent] = sentTo(aws, 'parked');
    expect(sent?.MessageBody).not.toContain('canary-secret');
    expect(JSON.stringify(aws.dynamo.calls().map((call) => call.args[0].input))).not.toContain(
      'canary-secret',
    );
  });

  it.each([
    ['a newline in a value', { 'x-a': 'one\r\nHost: evil.example' }],
    ['a lone line feed', { 'x-a': 'one\ntwo' }],
    ['a NUL in a value', { 'x-a': 'one\u0000' }],
    ['a newline in a name', { 'x-a\r\nhost': 'evil.example' }],
    ['a space in a name', { 'x a': 'b' }],
    ['a colon in a name', { 'x:a': 'b' }],
    ['an empty name', { '': 'b' }],
    ['a value that is no text', { 'x-a': ['b', 'c'] }],
  ])('63 %s - refused, nothing is written', async (_what, headers) => {
    await expect(parks({ ...aRequest, headers })).rejects.toMatchObject(refusedByField('request.headers'));
    expect(writes()).toBe(0);
  });
});

describe('63 headers that make the message too large', () => {
  const request = (character: string) => ({
    ...aRequest,
    body: Buffer.alloc(700 * 1024).toString('base64'),
    headers: Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => [`x-${name}`, character.repeat(8000)]),
    ),
  });

  it('63 a body of 700 KiB and headers that still fit into a message - parked', async () => {
    expect(await parks(request('a'))).toMatchObject({ status: 202 });
  });

  it('63 as many characters, of two bytes each - 413: SQS counts bytes, and nothing is written (S34)', async () => {
    expect(await parks(request('\u00e9'))).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(writes()).toBe(0);
  });
});

// A caller sends no hash of its body: what stands for the body is the fingerprint under its idempotency key.
describe('64 a body that does not match', () => {
  it('64 the same id with another body - 409, the first stays as it is', async () => {
    const first = {
      pk: 'IDEM#role/proxy#ws-1#r-1',
      sk: 'ANSWER',
      expiresAtMs: NOW_MS + 1,
      value: { fingerprint: 'of another body', answer: { status: 202, headers: {} } },
    };
    holds(aws, aStoredWorkspace(), [first]);
    expect(await parks(aRequest)).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
    expect(writes()).toBe(0);
  });

  it.each(['not base64!', 'aGVsbG8', 'aGVs bG8=', '====', 5])(
    '64 a body that is no base64: %j - refused, nothing is written',
    async (body) => {
      await expect(parks({ ...aRequest, body })).rejects.toMatchObject(refusedByField('request.body'));
      expect(writes()).toBe(0);
    },
  );
});

describe('65 a method that is not allowed', () => {
  it.each(['TRACE', 'CONNECT', 'get', '', 'GET /x HTTP/1.1\r\nHost: evil', 'PROPFIND', null])(
    '65 method %j - refused by the field, nothing is written',
    async (method) => {
      await expect(parks({ ...aRequest, method })).rejects.toMatchObject(refusedByField('request.method'));
      expect(writes()).toBe(0);
    },
  );
});

describe('66 a path that leads elsewhere', () => {
  it.each([
    '/../admin',
    '/a/../../b',
    '/a/..',
    '/./a',
    '/%2e%2e/admin',
    '/a/%2E%2e/b',
    '/a%2f..%2fb',
    '/a%5c..%5cb',
    '/a\\..\\b',
    '//evil.example/',
    'http://evil.example/',
    'a2a',
    '',
    '/a b',
    '/a\r\nHost: evil',
    '/a\u0000',
    '/a#@evil.example',
    `/${'x'.repeat(4097)}`,
  ])('66 path %j - refused by the field, nothing is written', async (path) => {
    await expect(parks({ ...aRequest, path })).rejects.toMatchObject(refusedByField('request.path'));
    expect(writes()).toBe(0);
  });

  it.each(['/a..b', '/a/...', '/a?next=../b', '/%252e%252e/'])(
    '66 path %j - not one of these: kept as it is',
    async (path) => {
      await parks({ ...aRequest, path });
      expect(sentTo(aws, 'parked')).toMatchObject([{ message: { path } }]);
    },
  );
});
