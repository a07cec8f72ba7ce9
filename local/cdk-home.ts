/**
 * What the CDK CLI must find in an account to deploy with plain credentials: a bucket for the assets.
 *
 * `cdk bootstrap` would make much more (roles, a key, a repository). It took 15 s and its bucket refuses plain
 * http, so that its policy would have to be taken off again; this one call takes 0.1 s.
 */
import { localRegion, type Credentials } from './admin.ts';
import { LocalError, reasonOf } from './local-error.ts';
import { signedHeaders } from './signing.ts';

export interface Account {
  readonly endpointUrl: string;
  readonly accountId: string;
  readonly credentials: Credentials;
}

/** Makes the account ready for `cdk deploy`; does no harm where it is ready already. */
export async function prepareForCdk({ endpointUrl, accountId, credentials }: Account): Promise<void> {
  // The name that the CDK's synthesizers expect.
  const url = new URL(`/cdk-hnb659fds-assets-${accountId}-${localRegion}`, endpointUrl);
  const request = { method: 'PUT', url, headers: {}, body: '' };
  let status: number;
  let answer: string;
  try {
    const headers = await signedHeaders(request, { service: 's3', region: localRegion, credentials });
    const response = await fetch(url, { method: 'PUT', headers });
    status = response.status;
    answer = await response.text();
  } catch (error) {
    throw new LocalError(`${endpointUrl} does not answer: ${reasonOf(error)}`, { cause: error });
  }
  const isThereAlready = status === 409;
  if (status >= 300 && !isThereAlready) {
    const why = answer.replace(/\s+/g, ' ').slice(0, 200);
    throw new LocalError(`${endpointUrl} refused a bucket for the deploy (${status}): ${why}`);
  }
}
