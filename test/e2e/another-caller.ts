/** Callers that the stack does not make: another proxy beside the first, and somebody with a right to nothing. */
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { adminCredentials } from '../../local/admin.ts';
import type { ApiClient } from '../../local/api-client.ts';
import { callAs } from '../../local/callers.ts';
import { local } from './fleet.ts';

const account = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
};

/** A role of its own that may call the whole API, or nothing of it: what it then sees is up to Defib alone. */
export async function anotherCaller(
  name: string,
  may: 'call everything' | 'call nothing',
): Promise<ApiClient> {
  const iam = new IAMClient({
    endpoint: local.endpointUrl,
    region: local.region,
    credentials: adminCredentials,
  });
  try {
    const RoleName = `${name}-${Date.now().toString(36)}`;
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(account) }),
    );
    if (may === 'call everything') {
      const Statement = [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }];
      await iam.send(
        new PutRolePolicyCommand({
          RoleName,
          PolicyName: 'api',
          PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
        }),
      );
    }
    const roles = { ...local.roles, proxy: Role?.Arn ?? '' };
    return await callAs({ ...local, roles }, 'proxy', 'session-1');
  } finally {
    iam.destroy();
  }
}
