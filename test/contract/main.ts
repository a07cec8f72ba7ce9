/** `npm run test:contract -- --emulator NAME`: starts an emulator of AWS and checks the contract of the fakes on it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { LocalError, reasonOf } from '../../local/local-error.ts';
import { defaultFolder, projectRoot } from '../../local/places.ts';
import { stopRequests } from '../../local/stop-requests.ts';
import { emulators, type EmulatorName } from './bench.ts';
import { startDynamoDbLocal } from './emulators/dynamodb-local.ts';
import { startLocalStack } from './emulators/localstack.ts';
import { startMiniStack } from './emulators/ministack.ts';
import type { StartedEmulator, StartOptions } from './emulators/started.ts';
import { endpointsVariable } from './setup.ts';

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;

const starts: Readonly<
  Record<Exclude<EmulatorName, 'fakes'>, (options: StartOptions) => Promise<StartedEmulator>>
> = {
  ministack: startMiniStack,
  localstack: startLocalStack,
  'dynamodb-local': startDynamoDbLocal,
};

const options = new Command('npm run test:contract --')
  .description(
    'Checks that the simulated AWS of the tests, or an emulator of AWS, does what AWS does as far as Defib relies on it. ' +
      'Known differences are marked in the tests and listed in docs/emulators.md; any other one fails.',
  )
  .addOption(new Option('--emulator <name>', 'on what').choices(emulators).default('fakes'))
  .option('--only <text>', 'only sentences whose names contain this')
  .allowExcessArguments(false)
  .parse()
  .opts<{ emulator: EmulatorName; only?: string }>();
process.exit(await main(options.emulator));

async function main(emulator: EmulatorName): Promise<number> {
  const requests = stopRequests();
  const folder = path.join(defaultFolder, 'contract');
  mkdirSync(folder, { recursive: true });
  let started: StartedEmulator | undefined;
  try {
    if (emulator === 'fakes') return await check('unit', 'fakes.test.ts', {}, requests.signal);
    started = await starts[emulator]({ folder, onProgress: tell, signal: requests.signal });
    const { url, ec2Url } = started;
    const told = { [endpointsVariable]: JSON.stringify({ emulator, url, ec2Url }) };
    return await check('contract', 'emulator.test.ts', told, requests.signal);
  } catch (error) {
    if (requests.signal.aborted) return interruptedCode;
    const isOurs = error instanceof LocalError;
    process.stderr.write(`defib: ${isOurs ? reasonOf(error) : String((error as Error).stack)}\n`);
    return 1;
  } finally {
    await started?.stop();
  }
}

/** Runs the tests; their exit code. */
function check(
  project: string,
  file: string,
  more: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const child: ChildProcess = spawn(
    path.join(projectRoot, 'node_modules', '.bin', 'vitest'),
    [
      'run',
      '--project',
      project,
      '--reporter=verbose',
      ...(options.only === undefined ? [] : ['--testNamePattern', escaped(options.only)]),
      path.join('test/contract', file),
    ],
    { cwd: projectRoot, stdio: 'inherit', env: { ...process.env, ...more } },
  );
  signal.addEventListener('abort', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`vitest: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(signal.aborted ? interruptedCode : (code ?? 1)));
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function tell(line: string): void {
  process.stderr.write(`contract: ${line}\n`);
}
