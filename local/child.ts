/** Runs a command to its end, with its output in a file or line by line, and its whole family killed on abort. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import readline from 'node:readline';

export interface ChildRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the whole output goes. */
  readonly logFile?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ChildEnd {
  /** Null when it was killed, or could not be started. */
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** Resolves whatever the exit code; rejects only when aborted. */
export async function runChild(run: ChildRun): Promise<ChildEnd> {
  run.signal?.throwIfAborted();
  // A process group of its own: it can be killed with all that it started, and a Ctrl-C in the terminal reaches
  // only us, who then end things in order.
  const child = spawn(run.command, [...run.args], {
    cwd: run.cwd,
    env: { ...run.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const log = run.logFile === undefined ? undefined : createWriteStream(run.logFile, { flags: 'a' });
  // The log is a convenience: when its folder is taken away under us, the run itself goes on.
  log?.on('error', () => {});
  for (const stream of [child.stdout, child.stderr]) {
    readline.createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      log?.write(`${line}\n`);
      run.onLine?.(line);
    });
  }
  const onAbort = (): void => killGroup(child);
  run.signal?.addEventListener('abort', onAbort);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      lines.push(error.message);
      resolve(null);
    });
    child.once('close', (exitCode) => resolve(exitCode));
  });
  run.signal?.removeEventListener('abort', onAbort);
  await new Promise<void>((resolve) => (log ? log.end(resolve) : resolve()));
  run.signal?.throwIfAborted();
  return { code, lines };
}

/** Ends a detached child and everything it started. Nothing to do when it is gone. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
