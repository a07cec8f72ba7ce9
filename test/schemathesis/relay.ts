/** Signs what a tool sends unsigned: each call by the caller whose route it is, so that it reaches the function. */
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { routes, type Caller, type Route } from '../../core/routes.ts';
import type { Credentials } from '../../local/admin.ts';
import { assumeRole } from '../../local/callers.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { localLookup } from '../../local/local-lookup.ts';
import { signedHeaders } from '../../local/signing.ts';

export interface Relay {
  readonly url: string;
  /** Answers by status, so that a run in which nothing arrived is not taken for a good one. */
  readonly statuses: ReadonlyMap<number, number>;
  close(): void;
}

/** `session` is the instance that the agent is taken for. */
export async function startRelay(info: LocalInfo, session: string): Promise<Relay> {
  const credentials: Record<Caller, Credentials> = {
    proxy: await assumeRole(info, 'proxy', 'schemathesis'),
    operator: await assumeRole(info, 'operator', 'schemathesis'),
    agent: await assumeRole(info, 'agent', session),
  };
  const statuses = new Map<number, number>();
  const server = http.createServer((incoming, outgoing) => {
    void relayed(incoming, info, credentials).then(
      ({ status, headers, body }) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        outgoing.writeHead(status, headers).end(body);
      },
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function relayed(incoming: http.IncomingMessage, info: LocalInfo, of: Record<Caller, Credentials>) {
  const { method = 'GET' } = incoming;
  const url = new URL(`${info.apiUrl}${incoming.url ?? '/'}`);
  const body = await bytesOf(incoming);
  const headers = await signedHeaders(
    { method, url, headers: passedOn(incoming.headers), body: body as unknown as string },
    { service: 'execute-api', region: info.region, credentials: of[callerOf(method, url.pathname)] },
  );
  const outgoing = http.request(url, {
    method,
    headers: { ...headers, 'content-length': body.length },
    lookup: localLookup,
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const { 'transfer-encoding': _chunked, 'content-length': _length, ...rest } = answer.headers;
  const text = await bytesOf(answer);
  if (!rest['content-type']?.includes('x-amz-json'))
    return { status: answer.statusCode ?? 502, headers: rest, body: text };
  // The emulator's own refusals, in the form that API Gateway has for them.
  const message = JSON.stringify({ message: 'Forbidden' });
  return { status: answer.statusCode ?? 502, headers: { 'content-type': 'application/json' }, body: message };
}

const passedOn = ({ 'content-type': type, prefer, 'idempotency-key': key }: http.IncomingHttpHeaders) =>
  Object.fromEntries(
    Object.entries({ 'content-type': type, prefer, 'idempotency-key': key }).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );

/** The first caller of the route that is called; for no route of ours, anybody. */
function callerOf(method: string, path: string): Caller {
  const route = (routes as readonly Route[]).find(
    (it) => it.method === method && new RegExp(`^${it.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return route?.callers[0] ?? 'operator';
}

async function bytesOf(stream: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
