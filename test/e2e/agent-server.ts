/** A real HTTP agent in the test's own process: it remembers what it was sent, and answers as it is told. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Served {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface AgentServer {
  readonly port: number;
  readonly served: Served[];
  /** What to answer with from now on. */
  answerWith(status: number, body?: string, headers?: Readonly<Record<string, string>>): void;
  /** What it says of itself from now on, to whoever asks who it is. Until then it has no such route. */
  sayOfItself(identity: unknown): void;
  close(): Promise<void>;
}

export async function startAgent(): Promise<AgentServer> {
  const served: Served[] = [];
  let answer = { status: 200, body: 'done', headers: {} };
  let identity: unknown;
  const server = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      served.push({
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      if (incoming.url === '/.well-known/defib') {
        outgoing.writeHead(identity === undefined ? 404 : 200).end(JSON.stringify(identity));
        return;
      }
      outgoing.writeHead(answer.status, { 'content-type': 'text/plain', ...answer.headers }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    served,
    answerWith: (status, body = 'done', headers = {}) => {
      answer = { status, body, headers };
    },
    sayOfItself: (next) => {
      identity = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
