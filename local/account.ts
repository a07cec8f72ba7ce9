/** Which AWS the local stack is deployed to: the project's own emulator, or the endpoint that the user has set. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

import { adminCredentials, localRegion, type Credentials } from './admin.ts';
import type { Account } from './cdk-home.ts';
import { LocalError, reasonOf } from './local-error.ts';

export interface UserEndpoint {
  readonly endpointUrl: string;
  readonly credentials: Credentials;
}

/** The endpoint of AWS_ENDPOINT_URL with the user's credentials, or undefined when the emulator is ours to start. */
export function userEndpoint(env: NodeJS.ProcessEnv = process.env): UserEndpoint | undefined {
  const endpointUrl = env['AWS_ENDPOINT_URL'];
  if (endpointUrl === undefined || endpointUrl === '') return undefined;
  if (!URL.canParse(endpointUrl)) {
    throw new LocalError(`AWS_ENDPOINT_URL is no URL: ${endpointUrl}. Set it to one, or unset it.`);
  }
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = env['AWS_SESSION_TOKEN'];
  const given = accessKeyId !== undefined && secretAccessKey !== undefined;
  const credentials = given
    ? { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
    : adminCredentials;
  return { endpointUrl: endpointUrl.replace(/\/$/, ''), credentials };
}

/** Asks the endpoint who we are there; so a wrong or dead endpoint shows before anything is made. */
export async function accountAt({ endpointUrl, credentials }: UserEndpoint): Promise<Account> {
  const sts = new STSClient({ endpoint: endpointUrl, region: localRegion, credentials, maxAttempts: 2 });
  try {
    const { Account: accountId } = await sts.send(new GetCallerIdentityCommand({}));
    return { endpointUrl, credentials, accountId: accountId ?? '000000000000' };
  } catch (error) {
    throw new LocalError(
      `The AWS at ${endpointUrl} does not let us in: ${reasonOf(error) || 'no connection'}. Start it, or mend ` +
        "AWS_ENDPOINT_URL and the credentials, or unset AWS_ENDPOINT_URL to use the project's own emulator.",
      { cause: error },
    );
  } finally {
    sts.destroy();
  }
}
