import dns from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { agentHttp } from '../../lambdas/adapters/agent-http.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import type { AgentRequest } from '../../lambdas/ports/agents.ts';
import { parkedRequestBody, workspaceBody } from '../../lambdas/schemas/api.ts';
import { received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, portsOver } from './mocked-aws.ts';
import { aMessage, rowItem } from './parked.ts';

/**
 * Where nobody may send Defib, as what an instance's address might say: addresses of the host and of the cloud, of other
 * networks, in notations that other parsers read as one of those, and names. (The workspaces live in 10.0.0.0/16.)
 */
const numeric = [
  // The metadata service, and what else AWS has at link-local addresses.
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '169.254.169.253',
  '169.254.169.123',
  '169.254.0.1',
  '169.254.255.255',
  // This host.
  '127.0.0.1',
  '127.0.0.2',
  '127.1.2.3',
  '127.255.255.255',
  '0.0.0.0',
  '0.0.0.1',
  // Carrier-grade NAT, other private networks, documentation, benchmarks, and the internet.
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.254',
  '10.1.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.0.1',
  '192.0.0.192',
  '192.0.2.1',
  '198.18.0.1',
  '203.0.113.7',
  '168.63.129.16',
  '8.8.8.8',
  // Many at once.
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
];
const odd = [
  '2130706433',
  '2852039166',
  '017700000001',
  '0x7f000001',
  '0x7f.1',
  '0xa9.0xfe.0xa9.0xfe',
  '0251.0376.0251.0376',
  '127.1',
  '127.0.1',
  '10.0.1.05',
  '010.0.1.5',
  '10.0.1.256',
  '10.0.1',
  '10.0.1.5:8080',
  '10.0.1.5#@169.254.169.254',
  'user@10.0.1.5',
  'http://169.254.169.254/',
  'file:///etc/passwd',
  'gopher://10.0.1.5:6379/_x',
  '169。254。169。254',
  '①⑥⑨.254.169.254',
  '::1',
  '[::1]',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '[::ffff:10.0.1.5]',
  '64:ff9b::a9fe:a9fe',
  'fd00:ec2::254',
  'fe80::1%eth0',
];
const names = [
  'localhost',
  'metadata.google.internal',
  'instance-data.ec2.internal',
  '169.254.169.254.nip.io',
  '10.0.1.5.nip.io',
  'rebind.example',
  'evil.example#@10.0.1.5',
  'evil.example\\@10.0.1.5',
];
const corpus = [...numeric, ...odd, ...names];

let connect: ReturnType<typeof vi.spyOn>;
let lookUp: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  connect = vi.spyOn(net.Socket.prototype, 'connect');
  lookUp = vi.spyOn(dns, 'lookup');
});
afterEach(() => {
  vi.restoreAllMocks();
});

const request = (changes: Partial<AgentRequest>): AgentRequest => ({
  protocol: 'http',
  address: '127.0.0.1',
  port: 80,
  method: 'POST',
  path: '/a2a',
  headers: {},
  body: '',
  timeoutMs: 2000,
  ...changes,
});

async function listening(answer: http.RequestListener): Promise<http.Server> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
const portOf = (server: http.Server) => (server.address() as AddressInfo).port;

describe('an instance seems to be where nobody may be sent', () => {
  it('the corpus has at least 60 targets, each once', () => {
    expect(new Set(corpus).size).toBe(corpus.length);
    expect(corpus.length).toBeGreaterThanOrEqual(60);
  });

  it.each(corpus)('%j - a dead letter, no socket is opened, no name is looked up', async (privateIp) => {
    const aws = mockedAws();
    holds(aws, aStoredWorkspace(), [rowItem()]);
    ec2Shows(aws, 'running', { privateIp });
    const ports = { ...portsOver(aws), agents: agentHttp() };
    const settled = await handleDeliveries([received(aMessage())], ports);
    expect(settled.get('message-1')).toEqual({ kind: 'done' });
    const ended = aws.dynamo
      .commandCalls(TransactWriteCommand)
      .map((call) => JSON.stringify(call.args[0].input));
    expect(ended).toEqual([expect.stringMatching(/"dead-lettered".*"address-/)]);
    expect(connect).not.toHaveBeenCalled();
    expect(lookUp).not.toHaveBeenCalled();
  });
});

describe('the sender itself', () => {
  it.each([...odd, ...names])('is given %j - opens no socket and looks up no name', async (address) => {
    expect(await agentHttp().send(request({ address }))).toEqual({ kind: 'failed', because: 'unreachable' });
    expect(await agentHttp().send(request({ address, protocol: 'https' }))).toEqual({
      kind: 'failed',
      because: 'unreachable',
    });
    expect(connect).not.toHaveBeenCalled();
    expect(lookUp).not.toHaveBeenCalled();
  });

  it.each([301, 302, 303, 307, 308])('is sent elsewhere by a %i - does not go there', async (status) => {
    const seen: string[] = [];
    const elsewhere = await listening((_, answer) => {
      seen.push('elsewhere');
      answer.end();
    });
    const agent = await listening((_, answer) => {
      seen.push('agent');
      answer.writeHead(status, { location: `http://127.0.0.1:${portOf(elsewhere)}/latest/meta-data/` }).end();
    });
    vi.mocked(dns.lookup).mockClear();
    try {
      const answer = await agentHttp().send(request({ port: portOf(agent) }));
      expect(answer).toMatchObject({ kind: 'answered', response: { status } });
      expect(seen).toEqual(['agent']);
      expect(lookUp).not.toHaveBeenCalled();
    } finally {
      agent.close();
      elsewhere.close();
    }
  });
});

describe('what a caller says can lead nowhere else', () => {
  it.each([
    'http://169.254.169.254/',
    '//169.254.169.254/',
    '@169.254.169.254/',
    'a2a',
    '',
    '/\\169.254.169.254',
    '/a/../../b',
    '/%2e%2e/b',
    '/a%2f..%2fb',
    '/a b',
    '/a\r\nHost: evil.example',
    '/a#b',
    '/\u0000',
  ])('a path %j - refused', (path) => {
    expect(parkedRequestBody.safeParse({ method: 'GET', path }).success).toBe(false);
    expect(workspaceBody.safeParse({ instanceId: 'i-0123456789abcdef0', port: 1, path }).success).toBe(false);
  });

  it.each(['url', 'host', 'address', 'target', 'ip', 'privateIp', 'endpoint'])(
    'a field %s - refused by its name',
    (field) => {
      for (const [schema, body] of [
        [parkedRequestBody, { method: 'GET', path: '/' }],
        [workspaceBody, { instanceId: 'i-0123456789abcdef0', port: 1 }],
      ] as const) {
        const result = schema.safeParse({ ...body, [field]: 'http://169.254.169.254/' });
        expect(result.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: [field] }]);
      }
    },
  );

  it.each(['CONNECT', 'TRACE', 'get', 'GET /', 'FOO', ''])('a method %j - refused', (method) => {
    expect(parkedRequestBody.safeParse({ method, path: '/' }).success).toBe(false);
  });

  it.each(['gopher', 'file', 'ftp', 'unix', 'HTTP'])('a protocol %j - refused', (protocol) => {
    expect(workspaceBody.safeParse({ instanceId: 'i-0123456789abcdef0', port: 1, protocol }).success).toBe(
      false,
    );
  });
});
