/** Finds a Python that can run the emulator, or says in one line what to install. */
import { spawnSync } from 'node:child_process';

import { LocalError } from './local-error.ts';

const oldestUsable = [3, 10] as const;
const candidates = [
  'python3',
  'python',
  'python3.14',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
] as const;

/** How a command named so answers `--version` and `-c "import venv, ensurepip"`. */
export interface PythonLook {
  /** Such as `3.12.1`; undefined when there is no such command. */
  versionOf(command: string): string | undefined;
  canMakeVenv(command: string): boolean;
}

/** The first candidate that is new enough and can make a virtual environment. */
export function findPython(look: PythonLook = realLook): string {
  const found = candidates.flatMap((command) => {
    const version = look.versionOf(command);
    return version === undefined ? [] : [{ command, version }];
  });
  const usable = found.filter(({ version }) => isNewEnough(version));
  const whole = usable.find(({ command }) => look.canMakeVenv(command));
  if (whole) return whole.command;
  const wanted = `Python ${oldestUsable.join('.')} or newer is needed for the local AWS`;
  const [unfit] = usable;
  if (unfit) {
    throw new LocalError(
      `${unfit.command} (Python ${unfit.version}) can make no virtual environment: install its venv module ` +
        '(Debian and Ubuntu: apt install python3-venv) and run the same command again.',
    );
  }
  const [old] = found;
  if (old) {
    throw new LocalError(
      `${wanted}, but ${old.command} is Python ${old.version}: install a newer one and try again.`,
    );
  }
  throw new LocalError(`${wanted}, but there is no python3 on the PATH: install Python and try again.`);
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestUsable[0] || (major === oldestUsable[0] && minor >= oldestUsable[1]);
}

const realLook: PythonLook = {
  versionOf(command) {
    const done = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 20_000 });
    // Python 2 says its version on standard error.
    return /^Python (\d+\.\d+\.\d+)/m.exec(`${done.stdout}\n${done.stderr}`)?.[1];
  },
  canMakeVenv(command) {
    return (
      spawnSync(command, ['-c', 'import venv, ensurepip'], { stdio: 'ignore', timeout: 20_000 }).status === 0
    );
  },
};
