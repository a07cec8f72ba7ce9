/** Deploys the real CDK stack onto the local AWS, with the plain CDK CLI. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import type { PolicySettings } from '../core/policy.ts';
import { localRegion } from './admin.ts';
import { prepareForCdk, type Account } from './cdk-home.ts';
import { runChild, type ChildEnd } from './child.ts';
import { LocalError } from './local-error.ts';
import { childEnvironment, nodeBinary } from './node-path.ts';
import type { StackOutputs } from './outputs.ts';
import { cdkCli, projectRoot, shown } from './places.ts';

const stackName = 'Defib';

export interface DeployOptions {
  readonly account: Account;
  /** EC2's endpoint for the functions: the lifecycle proxy. */
  readonly ec2EndpointUrl: string;
  readonly settings: Partial<PolicySettings>;
  /** Where the cloud assembly, the outputs and the log go: each stack has its own. */
  readonly folder: string;
  /** The CDK app, as a shell command; the project's own unless a test has another. */
  readonly app?: string;
  readonly signal?: AbortSignal;
}

/** Bundles the functions into dist/. */
export async function buildFunctions(folder: string, signal?: AbortSignal): Promise<void> {
  const logFile = freshLog(folder, 'build.log');
  const built = await runChild({
    command: nodeBinary,
    args: ['scripts/build.ts', '--functions-only'],
    cwd: projectRoot,
    env: childEnvironment({}),
    logFile,
    ...(signal ? { signal } : {}),
  });
  if (built.code !== 0)
    throw new LocalError(`The build failed: ${complaint(built)}. More in ${shown(logFile)}.`);
}

/** Deploys and gives back the stack's outputs. */
export async function deployStack(options: DeployOptions): Promise<StackOutputs> {
  const { account, folder, signal } = options;
  await prepareForCdk(account);
  const logFile = freshLog(folder, 'deploy.log');
  const outputsFile = path.join(folder, 'outputs.json');
  rmSync(outputsFile, { force: true });
  const context = {
    stage: 'local',
    // The roles that a bootstrap makes are not there.
    synthesizer: 'cli-credentials',
    policy: JSON.stringify(options.settings),
    endpointUrl: account.endpointUrl,
    ec2EndpointUrl: options.ec2EndpointUrl,
  };
  const deployed = await runChild({
    command: nodeBinary,
    args: [
      ...[cdkCli, 'deploy', stackName, '--app', options.app ?? 'node bin/app.ts'],
      ...Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ...['--output', path.join(folder, 'cdk.out'), '--outputs-file', outputsFile],
      ...['--require-approval', 'never', '--progress', 'events', '--no-notices', '--no-color', '--ci'],
    ],
    cwd: projectRoot,
    env: childEnvironment(cdkEnvironment(account)),
    logFile,
    ...(signal ? { signal } : {}),
  });
  if (deployed.code !== 0) {
    const hint = isStuck(deployed)
      ? ` A stack ${stackName} is stuck there from an earlier try: delete it at ${account.endpointUrl} (or restart that emulator) and run again.`
      : '';
    throw new LocalError(`The deploy failed: ${complaint(deployed)}. More in ${shown(logFile)}.${hint}`);
  }
  const outputs = JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, StackOutputs>;
  return outputs[stackName] ?? {};
}

function cdkEnvironment({ endpointUrl, credentials }: Account): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpointUrl,
    // Its own variable makes the SDK address buckets by path: bucket host names would need DNS.
    AWS_ENDPOINT_URL_S3: endpointUrl,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
    AWS_REGION: localRegion,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}

function freshLog(folder: string, name: string): string {
  const logFile = path.join(folder, name);
  rmSync(logFile, { force: true });
  return logFile;
}

/** Whether an earlier deploy, cut short, left the stack in a state from which nothing goes on. */
function isStuck({ lines }: ChildEnd): boolean {
  return lines.some((line) => /_IN_PROGRESS state|ROLLBACK_(FAILED|COMPLETE)|DELETE_FAILED/.test(line));
}

/** The line of a failed tool's output that says most. */
function complaint({ lines }: ChildEnd): string {
  const said = lines.map((line) => line.trim()).filter((line) => line !== '');
  const telling = said.find((line) => /❌|\bfail(ed)?\b|^(\w*Error|error)\b/i.test(line));
  return (telling ?? said.at(-1) ?? 'it said nothing')
    .replace(/^❌\s*/u, '')
    .replace(/\.$/, '')
    .slice(0, 300);
}
