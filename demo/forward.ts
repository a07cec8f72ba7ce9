/** One attempt to reach an agent, on a connection of its own: its answer, or how the attempt failed. */
import http from 'node:http';

import type { ForwardError } from '../core/forward-error.ts';
import { failureOfStatus, kindOfSocketError, type SocketError } from './error-kind.ts';

export interface Forward {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The whole exchange must be over by then. */
  readonly deadlineMs: number;
}

export type Forwarded =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly error: ForwardError };

export function forward({ port, path, headers, body, deadlineMs }: Forward): Promise<Forwarded> {
  return new Promise((resolve) => {
    const fail = (error: SocketError): void =>
      resolve({ kind: 'failed', error: { kind: kindOfSocketError(error) } });
    const outgoing = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        agent: false,
        signal: AbortSignal.timeout(deadlineMs),
      },
      (incoming) => {
        incoming.resume();
        incoming.on('error', fail);
        incoming.on('end', () => {
          const status = incoming.statusCode ?? 0;
          const failure = failureOfStatus(status);
          resolve(failure ? { kind: 'failed', error: failure } : { kind: 'answered', status });
        });
      },
    );
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}
