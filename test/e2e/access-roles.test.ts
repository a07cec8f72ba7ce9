/** Every role of the stack on every dangerous act, with IAM in force. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { adminCredentials } from '../../local/admin.ts';
import { assumeRole } from '../../local/callers.ts';
import type { RoleKey } from '../../local/local-info.ts';
import { dangerousActs, deniedByName, type Act, type Clients } from './dangerous-acts.ts';
import { instanceState, launch, local, untilInstanceIs } from './fleet.ts';
import { snapshotOf } from './stores.ts';

let instanceId: string;
beforeAll(async () => {
  instanceId = await launch();
  await untilInstanceIs(instanceId, 'running');
});

const everyone = (Object.keys(local.roles) as RoleKey[]).sort();
const functionRoles = everyone.filter((role) => role.endsWith('Function'));

async function clientsOf(role: RoleKey): Promise<Clients> {
  const shared = {
    region: local.region,
    credentials: await assumeRole(local, role, 'access-test'),
    maxAttempts: 1,
  };
  return {
    ec2: new EC2Client({ ...shared, endpoint: local.ec2ProxyUrl }),
    sqs: new SQSClient({ ...shared, endpoint: local.endpointUrl }),
    dynamodb: new DynamoDBClient({ ...shared, endpoint: local.endpointUrl }),
  };
}

const refusals = /^(UnauthorizedOperation|AccessDenied(Exception)?|AuthorizationError)$/;
/** Past IAM: a dry run, a condition that fails, a handle that there is not, an empty message. */
const pastIam = /^(DryRunOperation|ConditionalCheckFailedException|ReceiptHandleIsInvalid|MissingParameter)$/;

/** What an act came to: IAM let it through, or not. */
async function outcomeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'allowed';
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    return refusals.test(name) ? 'denied' : pastIam.test(name) ? 'allowed' : `neither: ${name}`;
  }
}

async function outcomesOf(acts: readonly Act[], role: RoleKey): Promise<Record<string, string>> {
  const clients = await clientsOf(role);
  const found: Record<string, string> = {};
  for (const { name, does } of acts) found[name] = await outcomeOf(does(clients, instanceId));
  for (const client of Object.values(clients) as { destroy(): void }[]) client.destroy();
  return found;
}

it('every function has its role here, and each act that a function may do is done by one', () => {
  expect(functionRoles).toHaveLength(functionNames.length);
  const named = new Set(dangerousActs.flatMap(({ may }) => may.map((name): RoleKey => `${name}Function`)));
  expect([...named].sort()).toEqual(functionRoles);
});

describe.each(everyone)('the role %s', (role) => {
  it('may do of all that is dangerous only what its work needs', async () => {
    const wanted = dangerousActs.map(({ name, may }) => [
      name,
      may.some((it) => role === `${it}Function`) ? 'allowed' : 'denied',
    ]);
    expect(await outcomesOf(dangerousActs, role)).toEqual(Object.fromEntries(wanted));
    expect(await instanceState(instanceId)).toBe('running');
  });
});

describe.each(functionRoles)('the role %s, to which somebody attaches a right to everything', (role) => {
  it('is denied by name what must never be done, and only restart has the power', async () => {
    const iam = new IAMClient({
      endpoint: local.endpointUrl,
      region: local.region,
      credentials: adminCredentials,
    });
    const policy = { RoleName: local.roles[role].split('/').at(-1), PolicyName: 'everything' };
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    });
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
    try {
      const powers = dangerousActs.filter(({ name }) => /^ec2:St(art|op)Instances$/.test(name));
      const denied = role === 'restartFunction' ? deniedByName : [...deniedByName, ...powers];
      const found = await outcomesOf(denied, role);
      expect(found).toEqual(Object.fromEntries(denied.map(({ name }) => [name, 'denied'])));
      // The policy is in force, so it is the denial that counts.
      const [scan] = dangerousActs.filter(({ name }) => name === 'dynamodb:Scan');
      expect(await outcomesOf(scan ? [scan] : [], role)).toEqual({ 'dynamodb:Scan': 'allowed' });
    } finally {
      await iam.send(new DeleteRolePolicyCommand(policy));
      iam.destroy();
    }
    expect(await instanceState(instanceId)).toBe('running');
  });
});

it('no act of all these has left anything in a queue or the table', async () => {
  const { items } = await snapshotOf('WS#nobody');
  expect(items).toEqual([]);
});
