/**
 * Wrong calls made by schemathesis from docs/openapi.json, against a local stack: each must be answered with a 4xx of
 * the document, and the table must be the same afterwards.
 *
 *   node scripts/launch.mjs test/schemathesis/run.ts [--examples N] [--seconds N]
 */
import { spawnSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import { Command } from 'commander';
import { routes, type Route } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import { callAs } from '../../local/callers.ts';
import { adminClients, type AdminClients } from '../../local/clients.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { startLocalStack } from '../../local/local-stack.ts';
import { findPython } from '../../local/python.ts';
import { startRelay } from './relay.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const folder = path.join(root, '.defib', 'schemathesis');
const venv = path.join(folder, 'venv');

const command = new Command('schemathesis')
  .description('Makes wrong calls from docs/openapi.json against a local stack of its own.')
  .option('--examples <n>', 'calls for each route, at least', '100')
  .option('--seconds <n>', 'the longest time in all', '600')
  .parse();
const options = command.opts<{ examples: string; seconds: string }>();

/** A virtual environment with exactly what requirements.txt lists, by its hashes. */
function schemathesis(): string {
  const tool = path.join(venv, 'bin', 'schemathesis');
  if (existsSync(tool)) return tool;
  const requirements = path.join(import.meta.dirname, 'requirements.txt');
  for (const [program, ...args] of [
    [findPython(), '-m', 'venv', venv],
    [path.join(venv, 'bin', 'python'), '-m', 'pip', 'install', '-q', '--require-hashes', '-r', requirements],
  ] as const) {
    if (spawnSync(program, args, { stdio: 'inherit' }).status !== 0)
      throw new Error(`${args.join(' ')} failed`);
  }
  return tool;
}

/** The table, but for what changes by itself as time goes by. */
async function tableOf(info: LocalInfo, admin: AdminClients): Promise<string[]> {
  const { Items = [] } = await admin.dynamodb.send(
    new ScanCommand({ TableName: info.tableName, ConsistentRead: true }),
  );
  return Items.map((item) => JSON.stringify(item)).sort();
}

/** A workspace called `workspace`, so that a wrong call of it is not refused for that alone. */
async function register(info: LocalInfo, admin: AdminClients): Promise<string> {
  const { Instances } = await admin.ec2.send(
    new RunInstancesCommand({
      ImageId: 'ami-12345678',
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ ResourceType: 'instance', Tags: [info.workspaceTag] }],
    }),
  );
  const instanceId = Instances?.[0]?.InstanceId ?? '';
  const operator = await callAs(info, 'operator', 'setup');
  const { status } = await operator.call('PUT', '/workspaces/workspace', { instanceId, port: 1 });
  operator.close();
  if (status !== 201) throw new Error(`not registered: ${status}`);
  return instanceId;
}

/** Routes that take nothing at all: no call of them is wrong, and a right one changes something. */
function withoutInput(): string[] {
  return (routes as readonly Route[])
    .filter(({ method, path: route }) => {
      const { query, body } = routeInputs[`${method} ${route}` as RouteKey];
      return body === undefined && Object.keys(query.shape).length === 0 && !route.includes('{');
    })
    .flatMap(({ method, path: route }) => ['--exclude-name', `${method} ${route}`]);
}

function run(tool: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(tool, args, { cwd: folder, stdio: 'inherit' });
    child.on('exit', (code) => resolve(code ?? 1)).on('error', () => resolve(1));
  });
}

const stack = await startLocalStack({ folder, onProgress: (line) => process.stderr.write(`${line}\n`) });
const admin = adminClients(stack.info);
try {
  const tool = schemathesis();
  const relay = await startRelay(stack.info, await register(stack.info, admin));
  const before = await tableOf(stack.info, admin);
  const code = await run(tool, [
    'run',
    path.join(root, 'docs', 'openapi.json'),
    ...['--url', relay.url],
    ...['--mode', 'negative'],
    ...['--phases', 'coverage,fuzzing'],
    ...[
      '--checks',
      'not_a_server_error,negative_data_rejection,status_code_conformance,content_type_conformance,response_schema_conformance',
    ],
    ...['--max-examples', options.examples],
    ...['--max-time', options.seconds],
    ...['--generation-database', 'none'],
    ...['--generation-with-security-parameters', 'false'],
    '--continue-on-failure',
    ...withoutInput(),
  ]);
  relay.close();
  const after = await tableOf(stack.info, admin);
  const isSame = JSON.stringify(before) === JSON.stringify(after);
  process.stdout.write(`answers by status: ${JSON.stringify([...relay.statuses])}\n`);
  process.stdout.write(
    isSame
      ? 'the table is the same\n'
      : `the table has changed: ${after.filter((it) => !before.includes(it)).join('\n')}\n`,
  );
  process.exitCode = code === 0 && isSame ? 0 : 1;
} finally {
  admin.destroy();
  await stack.stop();
}
