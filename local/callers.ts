/** Plays the callers of the API: takes on a role of the local stack and calls with its temporary credentials. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

import { adminCredentials, type Credentials } from './admin.ts';
import { ApiClient } from './api-client.ts';
import type { LocalInfo, RoleKey } from './local-info.ts';

/**
 * Temporary credentials of one of the stack's roles, for an hour. The session name is what the API sees as the
 * caller's own: for the agent's role it must be the instance id.
 */
export async function assumeRole(info: LocalInfo, role: RoleKey, sessionName: string): Promise<Credentials> {
  const sts = new STSClient({
    endpoint: info.endpointUrl,
    region: info.region,
    credentials: adminCredentials,
  });
  try {
    const wish = new AssumeRoleCommand({ RoleArn: info.roles[role], RoleSessionName: sessionName });
    const { Credentials: given } = await sts.send(wish);
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken) {
      throw new Error(`STS gave no credentials for ${role}`);
    }
    const { AccessKeyId, SecretAccessKey, SessionToken } = given;
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  } finally {
    sts.destroy();
  }
}

/** An API client that calls as the role. */
export async function callAs(info: LocalInfo, role: RoleKey, sessionName: string): Promise<ApiClient> {
  const credentials = await assumeRole(info, role, sessionName);
  return new ApiClient({ apiUrl: info.apiUrl, region: info.region, credentials });
}
