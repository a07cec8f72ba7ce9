/** Calls Defib's HTTP API as a caller would: signed for execute-api with a role's credentials. */
import http from 'node:http';

import type { Credentials } from './admin.ts';
import { localLookup } from './local-lookup.ts';
import { signedHeaders } from './signing.ts';

/** Longer than API Gateway would wait for the function. */
const answerLimitMs = 35_000;

export interface ApiAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Parsed where the answer says that it is JSON, else the text. */
  readonly body: unknown;
}

export interface ApiClientOptions {
  readonly apiUrl: string;
  readonly region: string;
  readonly credentials: Credentials;
}

export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #agent = new http.Agent({ keepAlive: true, lookup: localLookup });

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** A signed call. A string body is sent as it is (to send bad JSON), anything else as JSON. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const request = this.#request(method, path, body, headers);
    const { region, credentials } = this.#options;
    const signed = await signedHeaders(request, { service: 'execute-api', region, credentials });
    return this.#send({ ...request, headers: signed });
  }

  /** The same call without a signature. */
  async unsignedCall(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    return this.#send(this.#request(method, path, body, headers));
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #request(method: string, path: string, body: unknown, headers: Record<string, string>): ApiRequest {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const json = text === '' ? {} : { 'content-type': 'application/json' };
    return {
      method,
      url: new URL(`${this.#options.apiUrl}${path}`),
      headers: { ...json, ...headers },
      body: text,
    };
  }

  #send({ method, url, headers, body }: ApiRequest): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const options = {
        method,
        agent: this.#agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      };
      const outgoing = http.request(url, options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /\bjson\b/.test(incoming.headers['content-type'] ?? '') && text !== '';
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: isJson ? JSON.parse(text) : text,
          });
        });
      });
      outgoing.setTimeout(answerLimitMs, () =>
        outgoing.destroy(new Error(`No answer in ${answerLimitMs / 1000} s`)),
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
}
