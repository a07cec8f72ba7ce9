/** A server that runs as a child of ours until it is stopped, with its output in a file. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroup } from '../../../local/child.ts';
import { LocalError } from '../../../local/local-error.ts';
import { shown } from '../../../local/places.ts';

export interface Background {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly answers: () => Promise<boolean>;
  readonly patienceSeconds: number;
  readonly signal: AbortSignal;
}

const lifeline = 'exec 3<&0 < /dev/null; { cat <&3 > /dev/null; kill -9 0; } & exec 3<&-;';

/** Starts it and waits until it answers; gives what ends it. */
export async function runInBackground(server: Background): Promise<() => Promise<void>> {
  server.signal.throwIfAborted();
  mkdirSync(path.dirname(server.logFile), { recursive: true });
  const log = openSync(server.logFile, 'w');
  // A group of its own: Ctrl-C reaches only us, who then end it in order. Should we die without a word, the pipe to
  // its standard input ends, and the group ends itself.
  const child = spawn('sh', ['-c', `${lifeline} exec "$0" "$@"`, server.command, ...server.args], {
    cwd: server.cwd,
    env: { ...server.env },
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  const life = { hasEnded: false };
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      life.hasEnded = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  const stop = async (): Promise<void> => {
    killGroup(child);
    await ended;
  };
  try {
    const giveUpAtMs = Date.now() + server.patienceSeconds * 1000;
    while (!(await server.answers())) {
      server.signal.throwIfAborted();
      if (life.hasEnded || Date.now() > giveUpAtMs) {
        const what = life.hasEnded ? 'ended' : `did not answer within ${server.patienceSeconds} s`;
        throw new LocalError(`${server.name} ${what}: look into ${shown(server.logFile)}.`);
      }
      await sleep(200);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
