/**
 * The processes in which the emulator runs a function: children of ours, found by descent and by the function's name
 * in their own command line, and by the connection that one of them holds to an agent.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The workers of a function below one process. Linux only: elsewhere there is no /proc, and none is found. */
export function workersOf(functionName: string, below: number): number[] {
  const all = processes();
  const byId = new Map(all.map((one) => [one.pid, one]));
  const descends = (from: Process): boolean => {
    for (let at: Process | undefined = from; at; at = byId.get(at.parent))
      if (at.parent === below) return true;
    return false;
  };
  const mark = `/ministack-lambda-${functionName}-`;
  return all.filter((one) => one.command.includes(mark) && descends(one)).map(({ pid }) => pid);
}

/** Which of these processes holds the local end of a TCP connection; undefined when none does (any more). */
export function holderOf(localPort: number, pids: readonly number[]): number | undefined {
  const inode = inodeOf(localPort);
  if (inode === undefined) return undefined;
  return pids.find((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some(
        (fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`,
      );
    } catch {
      return false;
    }
  });
}

function inodeOf(localPort: number): string | undefined {
  const hexPort = localPort.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readOrNothing(table).split('\n')) {
      const [, local = '', , , , , , , , inode] = line.trim().split(/\s+/);
      if (local.endsWith(`:${hexPort}`) && inode !== '0') return inode;
    }
  }
  return undefined;
}

function processes(): Process[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name): Process[] => {
    const stat = readOrNothing(`/proc/${name}/stat`);
    // The program's name stands in parentheses and may hold anything.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const command = readOrNothing(`/proc/${name}/cmdline`).replaceAll('\0', ' ');
    return Number.isNaN(parent) || command === '' ? [] : [{ pid: Number(name), parent, command }];
  });
}

/** A process may be gone between two looks. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
