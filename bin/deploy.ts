/**
 * Builds Defib and deploys it to the AWS account of the caller's credentials:
 *
 *   npm run deploy -- --vpc-id vpc-0abc [--subnet-ids subnet-1,subnet-2] [--policy file.json] [--yes]
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { Command } from 'commander';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { buildFunctions } from '../scripts/build.ts';
import { readContext } from './context.ts';

const root = path.resolve(import.meta.dirname, '..');

interface Options {
  readonly vpcId: string;
  readonly subnetIds?: string;
  readonly policy?: string;
  readonly workspaceTag?: string;
  readonly awsOwnedKeys?: true;
  readonly yes?: true;
}

/** What stops a deployment, in words for the user. */
class DeployError extends Error {}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The names of bin/context.ts. It reads them once here, so that a typing error shows before anything is built. */
function contextOf(options: Options): Record<string, string> {
  const { vpcId, subnetIds, policy, workspaceTag } = options;
  const context = {
    vpcId,
    ...(subnetIds !== undefined && { workspaceSubnetIds: subnetIds }),
    ...(policy !== undefined && { policy: readPolicy(policy) }),
    ...(workspaceTag !== undefined && { workspaceTag }),
    ...(options.awsOwnedKeys && { encryptionKey: 'aws-owned' }),
  };
  readContext((name) => (context as Record<string, string>)[name]);
  return context;
}

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DeployError(`The policy can't be read: ${messageOf(error)}`);
  }
}

async function whereTo(): Promise<{ account: string; region: string }> {
  const client = new STSClient({});
  const region = await client.config.region().catch(() => {
    throw new DeployError('No AWS region: set AWS_REGION, or AWS_PROFILE to a profile with a region.');
  });
  try {
    const { Account: account = '' } = await client.send(new GetCallerIdentityCommand({}));
    return { account, region };
  } catch (error) {
    throw new DeployError(
      `No usable AWS credentials (${messageOf(error)}): set AWS_PROFILE, or run \`aws sso login\`.`,
    );
  }
}

/** The CDK needs its own roles and bucket in the account. Whoever may not look is let through: the CDK will say it. */
async function requireBootstrap(account: string, region: string): Promise<void> {
  try {
    const RoleName = `cdk-hnb659fds-deploy-role-${account}-${region}`;
    await new IAMClient({}).send(new GetRoleCommand({ RoleName }));
  } catch (error) {
    if (!(error instanceof NoSuchEntityException)) return;
    throw new DeployError(
      `The CDK is not set up in ${account}, ${region}. Run this once: npx cdk bootstrap --app '' aws://${account}/${region}`,
    );
  }
}

async function cdkDeploy(context: Record<string, string>, yes: boolean): Promise<number> {
  const args = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const approval = yes ? 'never' : 'broadening';
  const cdk = path.join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cdk, 'deploy', 'Defib', '--require-approval', approval, ...args], {
      cwd: root,
      stdio: 'inherit',
      // Before the CDK has looked the VPC up it would complain of the subnets that it made up itself; our own tests
      // validate the template.
      env: { ...process.env, CDK_VALIDATION: 'false' },
    });
    child.on('error', reject).on('exit', (code) => resolve(code ?? 1));
  });
}

async function main(options: Options): Promise<number> {
  const context = contextOf(options);
  const { account, region } = await whereTo();
  await requireBootstrap(account, region);
  console.error(`defib: deploying to account ${account}, ${region}`);
  await buildFunctions();
  return cdkDeploy(context, options.yes === true);
}

const command = new Command('deploy')
  .description('Builds Defib and deploys it to the AWS account of your credentials.')
  .requiredOption('--vpc-id <id>', 'the VPC of the workspaces')
  .option('--subnet-ids <ids>', "the workspaces' subnets, between commas (default: the VPC's private ones)")
  .option('--policy <file>', 'settings of the policy as a JSON file (default: the defaults)')
  .option(
    '--workspace-tag <Key=Value>',
    'the tag of the instances to take care of (default: defib:workspace=true)',
  )
  .option('--aws-owned-keys', 'encrypt with keys of AWS, which cost nothing (default: a key made for Defib)')
  .option('--yes', 'ask nothing: needed where nobody can answer')
  .parse();
try {
  process.exitCode = await main(command.opts<Options>());
} catch (error) {
  const known = error instanceof DeployError || error instanceof ConfigurationError;
  console.error(`defib: ${known ? error.message : `the deployment failed: ${messageOf(error)}`}`);
  process.exitCode = 1;
}
