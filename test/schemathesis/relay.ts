/** Signs what a tool sends unsigned: each call by the caller whose route it is, so that it reaches the function. */
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { routes, type Caller, type Route } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import type { Credentials } from '../../local/admin.ts';
import { assumeRole } from '../../local/callers.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { localLookup } from '../../local/local-lookup.ts';
import { signedHeaders } from '../../local/signing.ts';

/** What came back, so that a run in which nothing arrived is not taken for a good one. */
export interface Seen {
  /** Answers by status. */
  readonly statuses: Map<number, number>;
  /** Refusals of functions that are no problem+json with a code. */
  readonly shapeless: string[];
  /** Calls that were let through after all. */
  readonly accepted: string[];
}

export interface Relay {
  readonly url: string;
  readonly seen: Seen;
  close(): void;
}

export interface Subject {
  /** The instance that the agent is taken for. */
  readonly session: string;
  /**
   * Every well-formed workspace id of a wrong call becomes this one, so that it is not refused for the id alone; a call
   * with nothing wrong in it is about none.
   */
  readonly workspaceId: string;
}

export async function startRelay(info: LocalInfo, { session, workspaceId }: Subject): Promise<Relay> {
  const credentials: Record<Caller, Credentials> = {
    proxy: await assumeRole(info, 'proxy', 'schemathesis'),
    operator: await assumeRole(info, 'operator', 'schemathesis'),
    agent: await assumeRole(info, 'agent', session),
  };
  const seen: Seen = { statuses: new Map(), shapeless: [], accepted: [] };
  const server = http.createServer((incoming, outgoing) => {
    void relayed(incoming, { info, credentials, workspaceId }).then(
      (answer) => {
        note(seen, answer, `${incoming.method ?? ''} ${incoming.url ?? ''}`);
        outgoing.writeHead(answer.status, answer.headers).end(answer.body);
      },
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Relayed {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer | string;
}

/** A refusal by a function is problem+json with a code; one by the gateway has a form of its own. */
function note(
  { statuses, shapeless, accepted }: Seen,
  { status, headers, body }: Relayed,
  what: string,
): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (status < 400) {
    accepted.push(`${what} - ${status}`);
    return;
  }
  const text = body.toString();
  const isByGateway = /^\{"message": ?"[\w ]+"\}$/.test(text);
  const isProblem = headers['content-type'] === 'application/problem+json' && /"code":"[a-z-]+"/.test(text);
  if (!isByGateway && !isProblem) shapeless.push(`${what} - ${status} ${text.slice(0, 200)}`);
}

interface Way {
  readonly info: LocalInfo;
  readonly credentials: Record<Caller, Credentials>;
  readonly workspaceId: string;
}

async function relayed(
  incoming: http.IncomingMessage,
  { info, credentials, workspaceId }: Way,
): Promise<Relayed> {
  const { method = 'GET' } = incoming;
  const body = await bytesOf(incoming);
  const given = new URL(`${info.apiUrl}${incoming.url ?? '/'}`);
  const subject = isRight(method, given, body.toString()) ? 'never-was' : workspaceId;
  const wellFormed = /^\/workspaces\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?=[/?]|$)/;
  const url = new URL(`${info.apiUrl}${(incoming.url ?? '/').replace(wellFormed, `/workspaces/${subject}`)}`);
  const headers = await signedHeaders(
    { method, url, headers: passedOn(incoming.headers), body: body as unknown as string },
    { service: 'execute-api', region: info.region, credentials: credentials[callerOf(method, url.pathname)] },
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
  const status = answer.statusCode ?? 502;
  // The emulator's own refusals, in the form that API Gateway has for them: also where it reads an odd query in another
  // way than our signer does.
  if (!/^\{"__type": ?"/.test(text.toString())) return { status, headers: rest, body: text };
  const message = JSON.stringify({ message: 'Forbidden' });
  return { status, headers: { 'content-type': 'application/json' }, body: message };
}

/** Whether nothing is wrong with what arrives: the tool makes such calls too, and learns ids from answers. */
function isRight(method: string, url: URL, body: string): boolean {
  const route = routeOf(method, url.pathname);
  if (!route) return false;
  const { query, body: schema, bodyIsOptional } = routeInputs[`${route.method} ${route.path}` as RouteKey];
  const asked = Object.fromEntries(url.searchParams);
  if (url.searchParams.size !== Object.keys(asked).length || !query.safeParse(asked).success) return false;
  if (schema === undefined || (body === '' && bodyIsOptional)) return true;
  try {
    return schema.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}

const passedOn = ({ 'content-type': type, prefer, 'idempotency-key': key }: http.IncomingHttpHeaders) =>
  Object.fromEntries(
    Object.entries({ 'content-type': type, prefer, 'idempotency-key': key }).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );

/** The first caller of the route that is called; for no route of ours, anybody. */
const callerOf = (method: string, path: string): Caller => routeOf(method, path)?.callers[0] ?? 'operator';

function routeOf(method: string, path: string): Route | undefined {
  return (routes as readonly Route[]).find(
    (it) => it.method === method && new RegExp(`^${it.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
}

async function bytesOf(stream: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
