/** Wrong calls made by schemathesis from docs/openapi.json: the tool, installed by its hashes, and one run of it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { RunInstancesCommand, waitUntilInstanceRunning } from '@aws-sdk/client-ec2';
import { routes, type Route } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import { callAs } from '../../local/callers.ts';
import type { AdminClients } from '../../local/clients.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { findPython } from '../../local/python.ts';
import { startRelay, type Seen } from './relay.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
export const folder = path.join(root, '.defib', 'schemathesis');
const venv = path.join(folder, 'venv');

const checks = [
  'not_a_server_error',
  'negative_data_rejection',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
];

export interface Run {
  readonly examples: number;
  readonly seconds: number;
  /** Where its words go. */
  readonly onOutput: (text: string) => void;
}

export interface Outcome {
  /** Zero if schemathesis found nothing. */
  readonly exitCode: number;
  readonly seen: Seen;
}

/** A virtual environment with exactly what requirements.txt lists, by its hashes. */
export function installSchemathesis(): string {
  const tool = path.join(venv, 'bin', 'schemathesis');
  if (existsSync(tool)) return tool;
  const requirements = path.join(import.meta.dirname, 'requirements.txt');
  for (const [program, ...args] of [
    [findPython(), '-m', 'venv', venv],
    [path.join(venv, 'bin', 'python'), '-m', 'pip', 'install', '-q', '--require-hashes', '-r', requirements],
  ] as const) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
  }
  return tool;
}

/** Registers a workspace on a new instance, for the calls to be about. */
export async function registerSubject(info: LocalInfo, admin: AdminClients): Promise<string> {
  const { Instances } = await admin.ec2.send(
    new RunInstancesCommand({
      ImageId: 'ami-12345678',
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ ResourceType: 'instance', Tags: [info.workspaceTag] }],
    }),
  );
  const instanceId = Instances?.[0]?.InstanceId ?? '';
  // EC2's news of it opens a settle window: registered later, the workspace has a longer one, and stays as it is.
  await waitUntilInstanceRunning(
    { client: admin.ec2, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    {
      InstanceIds: [instanceId],
    },
  );
  const operator = await callAs(info, 'operator', 'setup');
  const { status } = await operator.call('PUT', `/workspaces/${SUBJECT}`, { instanceId, port: 1 });
  operator.close();
  if (status !== 201) throw new Error(`not registered: ${status}`);
  return instanceId;
}
/** The workspace that the wrong calls are about. */
export const SUBJECT = 'subject-of-schemathesis';

/** Routes that take nothing at all: no call of them is wrong, and a right one changes something. */
function withoutInput(): string[] {
  return (routes as readonly Route[])
    .filter(({ method, path: route }) => {
      const { query, body } = routeInputs[`${method} ${route}` as RouteKey];
      return body === undefined && Object.keys(query.shape).length === 0 && !route.includes('{');
    })
    .flatMap(({ method, path: route }) => ['--exclude-name', `${method} ${route}`]);
}

/** Runs it against a stack, with nothing but wrong calls. */
export async function runSchemathesis(
  info: LocalInfo,
  instanceId: string,
  { examples, seconds, onOutput }: Run,
): Promise<Outcome> {
  mkdirSync(folder, { recursive: true });
  const tool = installSchemathesis();
  const relay = await startRelay(info, { session: instanceId, workspaceId: SUBJECT });
  const args = [
    'run',
    path.join(root, 'docs', 'openapi.json'),
    ...['--url', relay.url],
    ...['--mode', 'negative'],
    ...['--phases', 'coverage,fuzzing'],
    ...['--checks', checks.join(',')],
    ...['--max-examples', String(examples)],
    ...['--max-time', String(seconds)],
    ...['--generation-database', 'none'],
    ...['--generation-with-security-parameters', 'false'],
    '--continue-on-failure',
    '--no-color',
    ...withoutInput(),
  ];
  const child = spawn(tool, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', onOutput);
  }
  const exitCode = await new Promise<number>((resolve) => {
    child.on('close', (code) => {
      resolve(code ?? 1);
    });
    child.on('error', () => {
      resolve(1);
    });
  });
  relay.close();
  return { exitCode, seen: relay.seen };
}
