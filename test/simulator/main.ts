/** `npm run simulate`: the deployed code in a hostile world, as many lives as wanted. Exits with 1 on any violation. */
import { availableParallelism } from 'node:os';

import { Command, InvalidArgumentError, Option } from 'commander';

import { stopRequests, type StopRequests } from '../../local/stop-requests.ts';
import { liveAll } from './crew.ts';
import { coverageText } from './coverage.ts';
import { live } from './life.ts';
import { profileNames, profiles, type ProfileName } from './profiles.ts';
import { progressText, summaryText, violationText } from './summary-text.ts';
import { workspaceYears, type Tally } from './tally.ts';
import { timelineText } from './timeline.ts';

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;
const PROGRESS_EVERY_MS = 2000;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly profile: ProfileName;
  readonly minutes: number;
  readonly workspaces?: number;
  readonly jobs: number;
  readonly coverage?: boolean;
  readonly whole?: boolean;
  readonly json?: boolean;
}

const options = new Command('npm run simulate --')
  .description(
    'Lives through seeds: the deployed code over simulated AWS in virtual time, with everything going wrong that can, ' +
      'and oracles that know the truth. Exits with 1 on any violation.',
  )
  .option('--seeds <n>', 'how many seeds', parseCount, 1000)
  .option('--from <n>', 'the first seed', parseCount, 1)
  .option('--seed <n>', 'lives this one seed and prints it as a timeline', parseCount)
  .addOption(new Option('--profile <name>', 'the kind of world').choices(profileNames).default('swarm'))
  .option('--minutes <n>', 'how long things go wrong in each life, in simulated minutes', parseCount, 20)
  .option('--workspaces <n>', 'workspaces in each world (default: by the seed, mostly one)', parseCount)
  .option('--jobs <n>', 'threads', parseCount, availableParallelism())
  .option('--coverage', 'prints what has happened how often')
  .option('--whole', 'with --seed: every step, reads and beats too')
  .option('--json', 'one JSON object a line on standard output; the last is the summary')
  .addHelpText(
    'after',
    `\nProfiles:\n${profileNames.map((name) => `  ${name.padEnd(12)} ${profiles[name].what}`).join('\n')}`,
  )
  .allowExcessArguments(false)
  .parse()
  .opts<Options>();
process.exitCode = options.seed === undefined ? await many(stopRequests()) : await one(options.seed);

async function one(seed: number): Promise<number> {
  const life = await live(planned(seed), { keepsLines: true });
  const { violations, hash, steps } = life;
  if (options.json === true) say({ event: 'life', seed, violations, hash, steps });
  else process.stdout.write(`${timelineText(life, { isWhole: options.whole === true })}\n`);
  return violations.length === 0 ? 0 : 1;
}

async function many({ signal }: StopRequests): Promise<number> {
  const beganMs = Date.now();
  let toldMs = beganMs;
  let shown = 0;
  const tell = (tally: Tally): void => {
    for (const broken of tally.broken.slice(shown)) {
      if (options.json === true) say({ event: 'violation', ...broken });
      else process.stdout.write(`${violationText(broken, replayOf(broken.seed))}\n`);
    }
    shown = tally.broken.length;
    if (Date.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = Date.now();
    // Standard output is for what was found.
    process.stderr.write(`${progressText(tally, options.seeds, toldMs - beganMs)}\n`);
  };
  const { from, seeds, jobs } = options;
  const tally = await liveAll({ ...planned(from), from, seeds, jobs, signal, onProgress: tell });
  const tookMs = Date.now() - beganMs;
  if (options.coverage === true) process.stdout.write(`${coverageText(tally.counts)}\n`);
  if (options.json === true) say({ event: 'summary', ...summaryOf(tally), tookMs });
  else process.stdout.write(`${summaryText(tally, tookMs)}\n`);
  if (signal.aborted) return interruptedCode;
  return tally.broken.length === 0 ? 0 : 1;
}

function planned(seed: number) {
  const { profile, minutes, workspaces } = options;
  return { seed, profile, minutes, ...(workspaces !== undefined && { workspaces }) };
}

function replayOf(seed: number): string {
  const { profile, minutes, workspaces } = options;
  const flags = [
    ...(profile === 'swarm' ? [] : [`--profile ${profile}`]),
    ...(minutes === 20 ? [] : [`--minutes ${minutes}`]),
    ...(workspaces === undefined ? [] : [`--workspaces ${workspaces}`]),
  ];
  return ['npm run simulate --', `--seed ${seed}`, ...flags].join(' ');
}

function summaryOf(tally: Tally): object {
  const { seeds, steps, invocations, hash, broken, counts } = tally;
  return {
    seeds,
    steps,
    invocations,
    hash,
    workspaceYears: workspaceYears(tally),
    violations: broken.length,
    counts: Object.fromEntries(counts),
  };
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new InvalidArgumentError('Expected a whole number, not below 0.');
}
