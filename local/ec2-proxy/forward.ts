/**
 * Passes a call on to the emulator as it came, the Host header too: it is part of the caller's signature, so the
 * emulator can check signature and permission as if there were no proxy.
 */
import http from 'node:http';
import https from 'node:https';

export interface HttpCall {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Forward = (call: HttpCall) => Promise<HttpAnswer>;

/** A forwarder to one endpoint, over kept connections. */
export function forwarderTo(endpointUrl: string): { readonly forward: Forward; close(): void } {
  const endpoint = new URL(endpointUrl);
  const secure = endpoint.protocol === 'https:';
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const request = secure ? https.request : http.request;

  const forward: Forward = (call) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          host: endpoint.hostname,
          port: endpoint.port,
          method: call.method,
          path: call.path,
          headers: [...call.rawHeaders],
          setHost: false,
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 502,
              contentType: incoming.headers['content-type'] ?? 'application/xml',
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(call.body);
    });

  return { forward, close: () => agent.destroy() };
}
