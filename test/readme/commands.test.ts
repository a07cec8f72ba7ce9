/**
 * Every command of the README is run here (but the one that runs this file), as a user would type it: through npm,
 * under whatever Node npm itself runs on.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readmeFile, withExamples } from '../../scripts/readme.ts';
import { until } from '../e2e/wait.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = readFileSync(readmeFile, 'utf8');

/** What stands in the README's shell blocks, and inline behind a dollar-less `npm`. */
const commands = [
  ...new Set([
    ...[...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n')),
    ...[...readme.matchAll(/`(npm [^`]+)`/g)].map(([, command = '']) => command),
  ]),
];

interface Finished {
  readonly code: number | null;
  /** Set when npm ends itself by the signal that it was sent, as it does once its command has ended. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command; `whenReady` may end it by a signal, as a user does with Ctrl-C. */
function run(
  command: string,
  whenReady?: { line: RegExp; signal: NodeJS.Signals; before: () => void },
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = command.split(' ');
    // Its own group, so that a signal reaches npm and what it started, as from a terminal.
    const child = spawn(program, args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let isEnding = false;
    const watch = (): void => {
      if (!whenReady || isEnding || !whenReady.line.test(stdout + stderr) || child.pid === undefined) return;
      isEnding = true;
      whenReady.before();
      process.kill(-child.pid, whenReady.signal);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += String(chunk);
      watch();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += String(chunk);
      watch();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

interface Summary {
  readonly sent: number;
  readonly delivered: number;
  readonly refused: number;
  readonly lost: number;
  readonly restartsJustified: number;
  readonly restartsUnjustified: number;
  readonly stories: readonly { readonly name: string; readonly ok: boolean; readonly why: string }[];
}

/** Starts the local stack, ends it by Ctrl-C as soon as it says how, and finds nothing left of it. */
async function startsAndStops(command: string): Promise<void> {
  const infoFile = path.join(root, '.defib', 'local.json');
  let endpointUrl = '';
  const { code, signal, stderr } = await run(command, {
    line: /Ctrl-C/,
    signal: 'SIGINT',
    before: () => {
      ({ endpointUrl } = JSON.parse(readFileSync(infoFile, 'utf8')) as { endpointUrl: string });
    },
  });
  expect(code === 0 || signal === 'SIGINT', stderr).toBe(true);
  await until('nothing listens any more', async () => {
    const answer = await fetch(endpointUrl).catch(() => undefined);
    return answer === undefined && !existsSync(infoFile) ? true : undefined;
  });
}

type Proofs = Readonly<Record<string, () => Promise<void>>>;

/** How the demo is proved to work: it mostly waits. */
const demo: Proofs = {
  'npm start': async () => {
    // With --json after it, for this test to read; the command is the same.
    const { code, stdout, stderr } = await run('npm start --silent -- --json');
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary;
    expect(summary.stories.filter((story) => !story.ok)).toEqual([]);
    expect(summary.stories).toHaveLength(5);
    expect(summary).toMatchObject({ lost: 0, restartsUnjustified: 0, restartsJustified: 1 });
    expect(summary.delivered).toBeGreaterThan(0);
    expect(code, stderr).toBe(0);
  },
};

/** How commands are proved to work that use no more than the demo leaves them. */
const besideTheDemo: Proofs = {
  'npm run local': () => startsAndStops('npm run local'),
  'npm run local -- --settle-seconds 5': () => startsAndStops('npm run local -- --settle-seconds 5'),
  'npm run local -- --help': async () => {
    const { code, stdout } = await run('npm run local -- --help');
    expect(code).toBe(0);
    expect(stdout).toContain('--settle-seconds');
  },
  'npm run deploy -- --help': async () => {
    const { code, stdout } = await run('npm run deploy -- --help');
    expect(code).toBe(0);
    expect(stdout).toContain('--vpc-id');
  },
};

/** And one that takes every core. */
const byItself: Proofs = {
  'npm run test:unit': async () => {
    const { code, stdout } = await run('npm run test:unit');
    expect(code, stdout).toBe(0);
  },
};

/** The command that runs this very file. */
const thisOne = 'npm test';

describe('the README', () => {
  it('shows the examples as they are, which the compiler has checked', () => {
    expect(withExamples(readme)).toBe(readme);
  });

  it('names no command that is not run here', () => {
    const run = { ...demo, ...besideTheDemo, ...byItself };
    expect(commands.filter((command) => command !== thisOne && run[command] === undefined)).toEqual([]);
  });
});

/** One after another, though beside another suite. */
function prove(proofs: Proofs): void {
  it.each(Object.entries(proofs))('%s works', { concurrent: false }, async (command, proof) => {
    expect(commands).toContain(command);
    await proof();
  });
}

describe('the demo', { concurrent: true }, () => prove(demo));
describe('what runs beside it', { concurrent: true }, () => prove(besideTheDemo));
describe('what runs by itself', () => prove(byItself));
