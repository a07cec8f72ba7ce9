import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';

const signer = new SignatureV4({
  service: 'execute-api',
  region: process.env['AWS_REGION'] ?? 'us-east-1',
  credentials: defaultProvider(),
  sha256: Sha256,
});

/** A POST of JSON to Defib's API, signed with the role that this process runs under. */
export async function post(
  path: string,
  value: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const url = new URL(path, process.env['DEFIB_API_URL']);
  const body = JSON.stringify(value);
  const signed = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    headers: { ...headers, host: url.host, 'content-type': 'application/json' },
    body,
  });
  return fetch(url, { method: 'POST', headers: signed.headers, body });
}
