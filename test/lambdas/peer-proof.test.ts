import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { agentHttp } from '../../lambdas/adapters/agent-http.ts';
import type { AgentRequest, PeerProof } from '../../lambdas/ports/agents.ts';
import { choosePort } from '../../local/port.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
  readonly socket: Socket;
}

let server: http.Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** An agent that says who it is, and serves everything else. */
async function agentThatSays(
  identity: string,
  { status = 200, close = false } = {},
): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const started = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ method: incoming.method, url: incoming.url, body, socket: incoming.socket });
      const asked = incoming.url === '/.well-known/defib';
      if (close) outgoing.setHeader('connection', 'close');
      outgoing.writeHead(asked ? status : 200).end(asked ? identity : 'done');
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return { port: (started.address() as AddressInfo).port, seen };
}

const ask = (port: number, proof: PeerProof | undefined): AgentRequest => ({
  protocol: 'http',
  address: '127.0.0.1',
  port,
  method: 'POST',
  path: '/a2a',
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from('secret').toString('base64'),
  timeoutMs: 5000,
  ...(proof && { proof }),
});
const mine = JSON.stringify({ workspaceId: 'ws-1', bootId: 'boot-a' });

describe('an agent that has to prove who it is', () => {
  it('it says so - the request goes over the very connection on which it did', async () => {
    const { port, seen } = await agentThatSays(mine);
    expect(await agentHttp().send(ask(port, { workspaceId: 'ws-1', bootId: 'boot-a' }))).toMatchObject({
      kind: 'answered',
      response: { status: 200 },
    });
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', '/.well-known/defib', ''],
      ['POST', '/a2a', 'secret'],
    ]);
    expect(seen[1]?.socket).toBe(seen[0]?.socket);
  });

  it('no boot of it is known yet - the workspace alone must be right', async () => {
    const { port } = await agentThatSays(mine);
    expect(await agentHttp().send(ask(port, { workspaceId: 'ws-1' }))).toMatchObject({ kind: 'answered' });
  });

  it.each([
    ['another workspace', JSON.stringify({ workspaceId: 'ws-2', bootId: 'boot-a' }), {}],
    ['another boot', JSON.stringify({ workspaceId: 'ws-1', bootId: 'boot-b' }), {}],
    ['no JSON', 'hello', {}],
    ['JSON of another form', '{"workspaceId":"ws-1"}', {}],
    ['nothing: 404', mine, { status: 404 }],
    ['itself, and hangs up', mine, { close: true }],
  ])('it names %s - a stranger, to whom nothing of the request is sent', async (_what, identity, how) => {
    const { port, seen } = await agentThatSays(identity, how);
    expect(await agentHttp().send(ask(port, { workspaceId: 'ws-1', bootId: 'boot-a' }))).toEqual({
      kind: 'stranger',
    });
    expect(seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it('nobody listens - a refused connection, as ever', async () => {
    const port = await choosePort();
    expect(await agentHttp().send(ask(port, { workspaceId: 'ws-1' }))).toEqual({
      kind: 'failed',
      because: 'refused',
      unsent: true,
    });
  });
});

it('no proof is asked for - the request is sent at once', async () => {
  const { port, seen } = await agentThatSays(mine);
  await agentHttp().send(ask(port, undefined));
  expect(seen.map(({ url }) => url)).toEqual(['/a2a']);
});
