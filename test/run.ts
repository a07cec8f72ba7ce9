/**
 * `npm test`: everything, one step after another, with one line at the end that counts it all:
 *
 *   N passed, N failed
 *
 * Each linter and compiler run counts as one check, each test of vitest as one. A step that breaks counts as failed
 * and the next ones still run, so that one run tells all.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';

const root = path.resolve(import.meta.dirname, '..');
const reports = path.join(root, 'reports');

interface Step {
  readonly name: string;
  readonly what: string;
  readonly command: readonly string[];
  /** A project of vitest, whose report says how many tests passed. */
  readonly project?: string;
  /** The step before it, among whose files it runs where that is wanted too. */
  readonly joins?: string;
}

const vitest = (project: string, what: string, more: Pick<Step, 'joins'> = {}): Step => ({
  name: project,
  what,
  project,
  ...more,
  command: [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=reports/${project}.json`,
  ],
});

const steps: readonly Step[] = [
  { name: 'lint', what: 'ESLint, with types', command: ['eslint', '.'] },
  { name: 'format', what: 'Prettier', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'types-core', what: 'TypeScript: core is pure', command: ['tsc', '-p', 'core'] },
  { name: 'types', what: 'TypeScript: everything', command: ['tsc', '-p', '.'] },
  vitest('unit', 'unit tests, with mocked AWS clients, and the synthesised template'),
  vitest('proofs', 'exhaustive and generated tests, over all that may come'),
  vitest('simulator', 'simulated lives under faults, seeded bugs, and the model'),
  vitest('package', 'the packed npm package in an empty CDK app'),
  vitest('e2e', 'the deployed stack, through its public API'),
  // An AWS of the user's own has room for one stack at a time.
  vitest(
    'e2e-brake',
    'the brake of a deployed fleet of forty',
    process.env['AWS_ENDPOINT_URL'] ? {} : { joins: 'e2e' },
  ),
  vitest('readme', "the README's commands"),
];

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const program = new Command('npm test --')
  .description('Runs every check and test of the project. Ends with a line that counts them.')
  .option(
    '--only <steps>',
    `only these steps, separated by commas: ${steps.map((step) => step.name).join(', ')}`,
  )
  .parse();
const { only } = program.opts<{ only?: string }>();
const wanted = only?.split(',');
const unknown = wanted?.filter((name) => !steps.some((step) => step.name === name)) ?? [];
if (unknown.length > 0) program.error(`There is no step ${unknown.join(', ')}; see --help.`);

let running: ChildProcess | undefined;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted.abort();
    running?.kill(signal);
  });
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
let total: Count = { passed: 0, failed: 0 };
const broken: string[] = [];
for (const step of joined(steps.filter(({ name }) => !wanted || wanted.includes(name)))) {
  if (interrupted.signal.aborted) continue;
  const startedMs = Date.now();
  process.stdout.write(`\n=== ${step.name}: ${step.what}\n`);
  const exitCode = await run(step.command);
  const count = step.project === undefined ? checked(exitCode) : reported(step.project, exitCode);
  if (count.failed > 0) broken.push(step.name);
  total = { passed: total.passed + count.passed, failed: total.failed + count.failed };
  const seconds = Math.round((Date.now() - startedMs) / 1000);
  process.stdout.write(`=== ${step.name}: ${count.passed} passed, ${count.failed} failed, ${seconds} s\n`);
}
if (broken.length > 0) process.stdout.write(`\nFailed: ${broken.join(', ')}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = interrupted.signal.aborted ? 130 : total.failed > 0 || total.passed === 0 ? 1 : 0;

/** Steps as they are run: one that joins the step before it is one more project of the same run. */
function joined(all: readonly Step[]): Step[] {
  const runs: Step[] = [];
  for (const step of all) {
    const before = runs.at(-1);
    if (before?.name !== step.joins || before?.project === undefined || step.project === undefined)
      runs.push(step);
    else
      runs[runs.length - 1] = {
        ...before,
        name: `${before.name}, ${step.name}`,
        what: `${before.what}; ${step.what}`,
        command: [...before.command, '--project', step.project],
      };
  }
  return runs;
}

/** Runs a tool of the project; its exit code, or 1 when it could not be run or was ended by a signal. */
function run([tool = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    running = spawn(path.join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' });
    running.on('error', (error) => {
      process.stderr.write(`${tool}: ${error.message}\n`);
      resolve(1);
    });
    running.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

function checked(exitCode: number): Count {
  return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What vitest counted. A run that failed beside its tests (a setup, an unhandled error) counts as one more failure. */
function reported(project: string, exitCode: number): Count {
  try {
    const report = JSON.parse(readFileSync(path.join(reports, `${project}.json`), 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    const { numPassedTests: passed, numFailedTests } = report;
    const failed = numFailedTests === 0 && (exitCode !== 0 || passed === 0) ? 1 : numFailedTests;
    return { passed, failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
