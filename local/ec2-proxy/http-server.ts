/** A local HTTP server whose handler sees whole bodies, and which closes at once when told to. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import type { HttpAnswer, HttpCall } from './forward.ts';

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves on a free port of this machine. `null` cuts the connection instead of answering. */
export async function serve(handle: (call: HttpCall) => Promise<HttpAnswer | null>): Promise<RunningServer> {
  const server = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => outgoing.destroy());
    incoming.on('end', () => {
      const call = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        rawHeaders: incoming.rawHeaders,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      handle(call).then(
        (answer) => {
          if (!answer) return void outgoing.destroy();
          outgoing.writeHead(answer.status, { 'content-type': answer.contentType });
          outgoing.end(answer.body);
        },
        (error: unknown) => {
          outgoing.writeHead(500, { 'content-type': 'text/plain' });
          outgoing.end(`The proxy failed: ${String(error)}\n`);
        },
      );
    });
  });
  // A client that keeps its connection longer than the server does would now and then write into a closed one.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
