/**
 * The emulator's own virtual environment, `.venv` in the project's folder. It is made when it is absent, broken,
 * or older than requirements.txt; beside its place and then moved there, so that nobody meets half of one.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { runChild } from './child.ts';
import { LocalError } from './local-error.ts';
import { childEnvironment } from './node-path.ts';
import { defaultFolder, requirementsFile, shown, venvFolder } from './places.ts';
import { findPython } from './python.ts';

const pythonIn = (venv: string): string => path.join(venv, 'bin', 'python');
const stampIn = (venv: string): string => path.join(venv, '.requirements-hash');

export interface VenvOptions {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The Python of a virtual environment that has all that requirements.txt asks for. */
export async function ensureVenv(options: VenvOptions): Promise<string> {
  const requirements = readFileSync(requirementsFile, 'utf8');
  const wantedStamp = createHash('sha256').update(requirements).digest('hex');
  if (isReady(venvFolder, wantedStamp)) return pythonIn(venvFolder);

  const python = findPython();
  const draft = path.join(defaultFolder, `venv-${process.pid}`);
  mkdirSync(defaultFolder, { recursive: true });
  try {
    await build(python, draft, requirements, options);
    writeFileSync(stampIn(draft), wantedStamp);
    // Only `bin/python` is used, and that works wherever the folder is.
    rmSync(venvFolder, { recursive: true, force: true });
    renameSync(draft, venvFolder);
  } catch (error) {
    // Somebody else may have been quicker.
    if (!isReady(venvFolder, wantedStamp)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return pythonIn(venvFolder);
}

function isReady(venv: string, wantedStamp: string): boolean {
  if (!existsSync(stampIn(venv)) || readFileSync(stampIn(venv), 'utf8') !== wantedStamp) return false;
  return spawnSync(pythonIn(venv), ['-c', 'import ministack'], { stdio: 'ignore' }).status === 0;
}

async function build(
  python: string,
  draft: string,
  requirements: string,
  options: VenvOptions,
): Promise<void> {
  const { onProgress, signal } = options;
  const total = requirements.split('\n').filter((line) => /^[\w.-]+==/.test(line)).length;
  const shared = {
    cwd: path.dirname(requirementsFile),
    env: pipEnvironment(),
    ...(signal ? { signal } : {}),
  };
  onProgress(`installing MiniStack into ${shown(venvFolder)} (half a minute, once) ...`);
  rmSync(draft, { recursive: true, force: true });
  const made = await runChild({ ...shared, command: python, args: ['-m', 'venv', draft] });
  if (made.code !== 0) {
    throw new LocalError(
      `${python} -m venv failed: ${lastWords(made.lines)}. Mend that and run the same command again.`,
    );
  }
  let collected = 0;
  const installed = await runChild({
    ...shared,
    command: pythonIn(draft),
    args: ['-m', 'pip', 'install', '--require-hashes', '--progress-bar', 'off', '-r', requirementsFile],
    onLine: (line) => {
      if (!line.startsWith('Collecting ')) return;
      collected += 1;
      if (collected % 5 === 0) onProgress(`  ${collected} of about ${total} Python packages`);
    },
  });
  if (installed.code !== 0) {
    throw new LocalError(
      `pip could not install MiniStack: ${lastWords(installed.lines)}. Check the network and run the same command again.`,
    );
  }
}

/** The user's own pip settings (index, certificates, proxy) are kept: they say how packages are reached here. */
function pipEnvironment(): Record<string, string> {
  const wanted = /^(pip_|ssl_|requests_|.*_proxy$)/i;
  const kept = Object.entries(process.env).filter(
    ([name, value]) => wanted.test(name) && value !== undefined,
  );
  return childEnvironment({
    ...(Object.fromEntries(kept) as Record<string, string>),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
  });
}

function lastWords(lines: readonly string[]): string {
  const errors = lines.filter((line) => line.startsWith('ERROR: '));
  return (errors.at(-1) ?? lines.at(-1) ?? 'it said nothing').replace(/^ERROR: /, '').replace(/\.$/, '');
}
