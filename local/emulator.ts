/** Runs MiniStack (local/emulator.py) as a child that cannot outlive us, and tells when it dies. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { adminCredentials, localRegion } from './admin.ts';
import { answers } from './answers.ts';
import { killGroup } from './child.ts';
import { LocalError } from './local-error.ts';
import { childEnvironment } from './node-path.ts';
import { emulatorScript, projectRoot, shown } from './places.ts';

const startLimitMs = 60_000;

export interface Emulator {
  readonly endpointUrl: string;
  readonly processId: number;
  /** Resolves when it ends without having been told to. */
  readonly died: Promise<LocalError>;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** The Python of the virtual environment. */
  readonly python: string;
  readonly port: number;
  readonly logFile: string;
  readonly signal?: AbortSignal;
}

/** Starts the emulator and waits until it answers. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { port, logFile, signal } = options;
  const endpointUrl = `http://localhost:${port}`;
  mkdirSync(path.dirname(logFile), { recursive: true });
  // Not below the project: Node would read the functions' CommonJS start script as a module there, because the
  // project's package.json says so.
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'defib-local-'));
  const log = openSync(logFile, 'w');
  const child = spawn(options.python, [emulatorScript], {
    cwd: projectRoot,
    env: childEnvironment(emulatorEnvironment(port, endpointUrl, scratch)),
    // A group of its own, so that it can be ended together with the functions' processes.
    detached: true,
    // Its standard input is its lifeline: see emulator.py.
    stdio: ['pipe', log, log],
  });
  closeSync(log);

  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    // It keeps nothing on disk that a gentle end would save.
    killGroup(child);
    await ended;
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
  const died = ended.then(
    () =>
      new LocalError(
        `The emulator died. Its log is in ${shown(logFile)}; start again with the same command.`,
      ),
  );
  try {
    await Promise.race([waitUntilReady(endpointUrl, signal), died.then((error) => Promise.reject(error))]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpointUrl,
    processId: child.pid ?? 0,
    died: new Promise((resolve) => void died.then((error) => (stopping ? undefined : resolve(error)))),
    stop,
  };
}

function emulatorEnvironment(port: number, endpointUrl: string, scratch: string): Record<string, string> {
  return {
    // IAM is real: signatures and policies are checked.
    AUTH: 'true',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    TMPDIR: scratch,
    // A day: a function that was once called stays warm.
    LAMBDA_WARM_TTL_SECONDS: '86400',
    // Fixed ports that a second emulator would fight for.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    // Nowhere: it would else remove the containers of any other MiniStack on this machine when it starts.
    DOCKER_HOST: 'unix:///nonexistent/docker.sock',
    // For the functions. `localhost`, because queue URLs carry that name.
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_ACCESS_KEY_ID: adminCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: adminCredentials.secretAccessKey,
    AWS_REGION: localRegion,
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

async function waitUntilReady(endpointUrl: string, signal?: AbortSignal): Promise<void> {
  const giveUpAtMs = Date.now() + startLimitMs;
  while (!(await answers(endpointUrl))) {
    signal?.throwIfAborted();
    if (Date.now() > giveUpAtMs) {
      throw new LocalError(`The emulator did not answer within ${startLimitMs / 1000} s: look into its log.`);
    }
    await sleep(100);
  }
  signal?.throwIfAborted();
}
