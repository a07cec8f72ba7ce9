/** `npm run soak`: thousands of requests through the local stack while everything around them fails. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Command, InvalidArgumentError } from 'commander';

import { LocalError, reasonOf } from '../local/local-error.ts';
import { startLocalStack } from '../local/local-stack.ts';
import { defaultFolder, shown } from '../local/places.ts';
import { parseNumber } from '../local/settings-flags.ts';
import { stopRequests, type StopRequests } from '../local/stop-requests.ts';
import { soak, type SoakResult } from './run.ts';
import { summaryText } from './summary.ts';

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;

/** The stack's settings: short windows, and neither brake nor slots in the way of restarts. */
const settings = {
  settleSeconds: 5,
  freshSeconds: 5,
  skewSeconds: 1,
  deliverTimeoutSeconds: 6,
  restartsPerWindow: 100,
  brakeMinimum: 1000,
  maxRestartShare: 1,
};

const options = new Command('npm run soak --')
  .description(
    'Sends requests to workspaces that die, restart, answer slowly, answer 500 and hang up, with the functions ' +
      'that deliver crashing, and checks that none is lost. Exits with 1 on any violation, and names each one.',
  )
  .option('--requests <n>', 'how many requests', parseCount, 2000)
  .option('--workspaces <n>', 'to how many workspaces', parseCount, 20)
  .option('--minutes <n>', 'over which they are sent', parseNumber, 5)
  .option('--crashes <n>', 'how often the deliver function crashes, at most', parseCount, 30)
  .option('--patience <n>', 'minutes after which all must have ended', parseNumber, 20)
  .option(
    '--seed <n>',
    'plays the plans of an earlier run again (default: another one each time)',
    parseCount,
  )
  .option('--json', 'one JSON object a line on standard output; the last is the summary')
  .allowExcessArguments(false)
  .parse()
  .opts<{
    requests: number;
    workspaces: number;
    minutes: number;
    crashes: number;
    patience: number;
    seed?: number;
    json?: boolean;
  }>();
process.exit(await main(stopRequests()));

async function main(requests: StopRequests): Promise<number> {
  // A reader that has gone away is no reason to leave things running.
  process.stdout.on('error', () => {});
  const seed = options.seed ?? Math.floor(Math.random() * 1_000_000_000);
  const folder = path.join(defaultFolder, 'soak');
  const undo: (() => Promise<void> | void)[] = [];
  const undoAll = async (): Promise<void> => {
    for (const undoOne of undo.splice(0).reverse()) await undoOne();
  };
  try {
    tell(`seed ${seed}`);
    const stack = await startLocalStack({ settings, folder, onProgress: tell, signal: requests.signal });
    undo.push(() => stack.stop());
    if (stack.emulatorPid === undefined)
      throw new LocalError(
        "The soak kills functions, so it needs the project's own emulator: unset AWS_ENDPOINT_URL.",
      );
    const result = await Promise.race([
      soak({
        ...options,
        info: stack.info,
        emulatorPid: stack.emulatorPid,
        seed,
        beatSeconds: 5,
        deliverTimeoutSeconds: settings.deliverTimeoutSeconds,
        crashes: {
          share: (1.5 * options.crashes) / options.requests,
          most: options.crashes,
          afterTheAnswerMs: 100,
          strikeEveryMs: 15_000,
        },
        troubleEverySeconds: 90,
        patienceMinutes: options.patience,
        tell,
        signal: requests.signal,
        undo: (what) => void undo.push(what),
      }),
      stack.broken.then((error) => Promise.reject(error)),
    ]);
    tell('stopping the fleet and the local AWS');
    await undoAll();
    report(result, folder);
    return result.violations.length === 0 ? 0 : 1;
  } catch (error) {
    if (requests.signal.aborted) tell('interrupted: stopping everything');
    await undoAll();
    if (requests.signal.aborted) return interruptedCode;
    if (!(error instanceof LocalError)) process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.stderr.write(`defib: the soak broke off: ${reasonOf(error)} (seed ${seed})\n`);
    return 1;
  }
}

function tell(line: string): void {
  process.stdout.write(`${options.json === true ? JSON.stringify({ event: 'progress', line }) : line}\n`);
}

function report({ violations, summary, accounts }: SoakResult, folder: string): void {
  if (options.json === true) {
    for (const violation of violations)
      process.stdout.write(`${JSON.stringify({ event: 'violation', ...violation })}\n`);
    process.stdout.write(`${JSON.stringify({ event: 'summary', ...summary })}\n`);
  } else {
    process.stdout.write(`\n${summaryText(summary, violations)}\n`);
  }
  const file = path.join(folder, 'accounts.json');
  mkdirSync(folder, { recursive: true });
  const { sightings, ledger, ...rest } = accounts;
  writeFileSync(
    file,
    JSON.stringify({ ...rest, sightings: [...sightings], ledger: [...ledger.values()] }, undefined, 1),
  );
  process.stderr.write(`All that was seen is in ${shown(file)}\n`);
}

function parseCount(text: string): number {
  const count = parseNumber(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('Expected a whole number from 1.');
}
