/** Calls that the project's own client would not make: bytes for a body, headers that are not signed, bare sockets. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Credentials } from '../../local/admin.ts';
import type { ApiAnswer } from '../../local/api-client.ts';
import { localLookup } from '../../local/local-lookup.ts';
import { signedHeaders } from '../../local/signing.ts';
import { local } from './fleet.ts';

interface RawCall {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Whoever signs; without it the headers go as they are. */
  readonly credentials?: Credentials;
}

export async function rawCall(call: RawCall): Promise<ApiAnswer> {
  const url = new URL(`${local.apiUrl}${call.path}`);
  const headers = call.credentials ? await signed(call, url, call.credentials) : call.headers;
  const outgoing = http.request(url, {
    method: call.method,
    headers: { ...headers, 'content-length': call.body.length },
    lookup: localLookup,
  });
  outgoing.end(call.body);
  const [incoming] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: text };
}

/** The signer's types know text only; it hashes bytes as well. */
async function signed(call: RawCall, url: URL, credentials: Credentials): Promise<Record<string, string>> {
  return signedHeaders(
    { method: call.method, url, headers: call.headers, body: call.body as unknown as string },
    { service: 'execute-api', region: local.region, credentials },
  );
}

/** Sends text to the gateway as it is, and gives what came back before the end, or a second. */
export async function bareExchange(text: string): Promise<string> {
  const { port } = new URL(local.apiUrl);
  const socket = net.connect(Number(port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.on('error', () => socket.destroy());
  socket.setTimeout(5000, () => socket.destroy());
  socket.write(text);
  await once(socket, 'close');
  return answer;
}
