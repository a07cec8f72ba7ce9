/** AWS Signature Version 4 for plain HTTP requests, by the SDK's own signer. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';

import type { Credentials } from './admin.ts';

export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Signing {
  /** The service's name in the signature: `execute-api`, `s3`, ... */
  readonly service: string;
  readonly region: string;
  readonly credentials: Credentials;
}

/** The headers of the request with its signature among them. */
export async function signedHeaders(
  request: UnsignedRequest,
  signing: Signing,
): Promise<Record<string, string>> {
  const { url } = request;
  const query: Record<string, string[]> = {};
  for (const name of url.searchParams.keys()) query[name] = url.searchParams.getAll(name);
  const signer = new SignatureV4({ ...signing, sha256: Sha256, uriEscapePath: signing.service !== 's3' });
  const signed = await signer.sign({
    method: request.method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query,
    headers: { ...request.headers, host: url.host },
    body: request.body,
  });
  return signed.headers;
}
