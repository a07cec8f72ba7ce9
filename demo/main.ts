/** `npm start`: a local AWS, a fleet of agents on it, and five stories that show what Defib makes of them. */
import path from 'node:path';

import { Command, InvalidArgumentError } from 'commander';

import { defaultSettings, settingsProblems } from '../core/policy.ts';
import { LocalError, reasonOf } from '../local/local-error.ts';
import { startLocalStack } from '../local/local-stack.ts';
import { defaultFolder } from '../local/places.ts';
import { addSettingFlags, parseNumber, settingsFrom } from '../local/settings-flags.ts';
import { stopRequests, type StopRequests } from '../local/stop-requests.ts';
import { runStories } from './run.ts';
import { isGood } from './tally.ts';
import { Timeline } from './timeline.ts';
import { writerFor } from './timeline-writer.ts';
import { demoSettings, windowsInWords } from './windows.ts';

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;

const command = addSettingFlags(
  new Command('npm start --')
    .description(
      'Starts a local AWS with Defib on it and a fleet of agent processes, and plays five stories of agents that fail. ' +
        'Exits with 1 when a request is lost, a living agent is restarted, or a story fails.',
    )
    .option('--json', 'one JSON object a line on standard output; the last is the summary')
    .option('--port <n>', "the emulator's port (default: a free one)", parsePort)
    .allowExcessArguments(false),
);
const options = command.parse().opts<{ json?: boolean; port?: number } & Record<string, unknown>>();
process.exit(await demo(stopRequests()));

async function demo(requests: StopRequests): Promise<number> {
  // A reader that has gone away is no reason to leave things running.
  process.stdout.on('error', () => {});
  const writer = writerFor(process.stdout, options.json === true);
  const timeline = new Timeline(writer);
  const say = (text: string): void => timeline.say({ kind: 'demo', text });
  const undo: (() => Promise<void> | void)[] = [];
  const undoAll = async (): Promise<void> => {
    for (const undoOne of undo.splice(0).reverse()) await undoOne();
  };
  try {
    const settings = { ...demoSettings, ...settingsFrom(options) };
    const problems = settingsProblems({ ...defaultSettings, ...settings });
    if (problems.length > 0) throw new LocalError(problems.join('; '));
    say('five workspaces, five stories, about two minutes; Ctrl-C ends it and cleans up');
    say(`windows are short here: ${windowsInWords(settings)}`);
    const stack = await startLocalStack({
      settings,
      folder: path.join(defaultFolder, 'demo'),
      onProgress: say,
      signal: requests.signal,
      ...(options.port !== undefined && { port: options.port }),
    });
    undo.push(() => stack.stop());
    const run = runStories({
      stack,
      timeline,
      signal: requests.signal,
      undo: (what) => void undo.push(what),
    });
    const tally = await Promise.race([
      run,
      stack.broken.then((error) => Promise.reject(error)),
      requests.made.then(() => Promise.reject(new Error('interrupted'))),
    ]);
    say('stopping the fleet and the local AWS');
    await undoAll();
    writer.summary(tally);
    return isGood(tally.summary) ? 0 : 1;
  } catch (error) {
    return await ended(error, { requests, say, undoAll });
  }
}

async function ended(
  error: unknown,
  {
    requests,
    say,
    undoAll,
  }: { requests: StopRequests; say: (text: string) => void; undoAll: () => Promise<void> },
): Promise<number> {
  if (requests.signal.aborted) say('interrupted: stopping everything');
  await undoAll();
  if (requests.signal.aborted) {
    say('stopped; nothing is left running');
    return interruptedCode;
  }
  if (options.json === true) say(`the demo broke off: ${reasonOf(error)}`);
  if (!(error instanceof LocalError)) process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.stderr.write(`defib: the demo broke off: ${reasonOf(error)}\n`);
  return 1;
}

function parsePort(text: string): number {
  const port = parseNumber(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 1 to 65535.');
}
