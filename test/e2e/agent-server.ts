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
  /** The status to answer with from now on. */
  answerWith(status: number): void;
  /** What it says of itself from now on, to whoever asks who it is. Until then it has no such route. */
  sayOfItself(identity: unknown): void;
  close(): Promise<void>;
}

export async function startAgent(): Promise<AgentServer> {
  const served: Served[] = [];
  let status = 200;
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
      outgoing.writeHead(status, { 'content-type': 'text/plain' }).end('done');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    served,
    answerWith: (next) => {
      status = next;
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
