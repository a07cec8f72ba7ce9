/**
 * LocalStack's last version that needs no account, in host mode: without Docker. It needs Python 3.13; its files are
 * kept in .defib. Only what it emulates by itself is checked: its DynamoDB is DynamoDB Local, fetched from a host of
 * its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../../../local/answers.ts';
import { runChild } from '../../../local/child.ts';
import { LocalError } from '../../../local/local-error.ts';
import { choosePort } from '../../../local/port.ts';
import { step } from '../../../local/steps.ts';
import { runInBackground } from './background.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import type { StartedEmulator, StartOptions } from './started.ts';

const requirements = path.join(import.meta.dirname, 'localstack.requirements.txt');
const PATIENCE_SECONDS = 180;

export async function startLocalStack(options: StartOptions): Promise<StartedEmulator> {
  const { folder, onProgress, signal } = options;
  const venv = path.join(folder, 'localstack-4.14.0');
  if (!existsSync(venv)) {
    await step('installing LocalStack (500 MB, some minutes, once)', onProgress, () =>
      install(venv, options),
    );
  }
  const port = await choosePort();
  const url = `http://127.0.0.1:${port}`;
  const stop = await step('starting LocalStack', onProgress, () =>
    runInBackground({
      name: 'LocalStack',
      command: path.join(venv, 'bin', 'python'),
      args: ['-m', 'localstack.runtime.main'],
      cwd: folder,
      env: {
        ...inheritedEnvironment(),
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        FILESYSTEM_ROOT: path.join(folder, 'localstack-files'),
        SERVICES: 'sqs,ec2',
        // Nothing is told to, or asked of, anybody outside.
        DISABLE_EVENTS: '1',
        SKIP_SSL_CERT_DOWNLOAD: '1',
        DNS_ADDRESS: '0',
      },
      logFile: path.join(folder, 'localstack.log'),
      answers: () => answers(`${url}/_localstack/health`),
      patienceSeconds: PATIENCE_SECONDS,
      signal,
    }),
  );
  return { url, ec2Url: url, stop };
}

async function install(venv: string, { folder, signal }: StartOptions): Promise<void> {
  const draft = `${venv}.${process.pid}`;
  const logFile = path.join(folder, 'localstack-pip.log');
  const shared = { cwd: folder, env: inheritedEnvironment(), logFile, signal };
  const python = path.join(draft, 'bin', 'python');
  try {
    const made = await runChild({ ...shared, command: findPython313(), args: ['-m', 'venv', draft] });
    const args = ['-m', 'pip', 'install', '--no-deps', '--progress-bar', 'off', '-r', requirements];
    const done = made.code === 0 ? await runChild({ ...shared, command: python, args }) : made;
    if (done.code !== 0)
      throw new LocalError(`LocalStack could not be installed: ${done.lines.at(-1) ?? 'no word why'}`);
    renameSync(draft, venv);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Its code is not Python to an older one, and its pinned packages are not built for a newer one. */
function findPython313(): string {
  const isThere = spawnSync('python3.13', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isThere) throw new LocalError('LocalStack needs Python 3.13, and there is no python3.13 on the PATH.');
  return 'python3.13';
}
