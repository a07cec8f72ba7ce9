/** `npm run local`: starts the local stack and keeps it until Ctrl-C. */
import { Command, InvalidArgumentError } from 'commander';

import { LocalError, reasonOf } from './local-error.ts';
import { startLocalStack, type LocalStack } from './local-stack.ts';
import { stopRequests } from './stop-requests.ts';
import { addSettingFlags, parseNumber, settingsFrom } from './settings-flags.ts';
import { talkerFor, type Talker } from './talk.ts';

const command = addSettingFlags(
  new Command('npm run local --')
    .description(
      'Starts a local AWS with the whole stack on it, writes .defib/local.json, and stays until Ctrl-C.',
    )
    .option('--port <n>', "the emulator's port (default: a free one)", parsePort)
    .option('--json', 'one JSON object a line on standard output, for programs')
    .allowExcessArguments(false),
);
const options = command.parse().opts<{ port?: number; json?: boolean } & Record<string, unknown>>();
process.exit(await run(talkerFor(options.json === true)));

async function run(talk: Talker): Promise<number> {
  const requests = stopRequests();
  let stack: LocalStack | undefined;
  try {
    const settings = settingsFrom(options);
    stack = await startLocalStack({
      settings,
      onProgress: (line) => talk.progress(line),
      signal: requests.signal,
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    talk.ready(stack);
    const broken = await Promise.race([stack.broken, requests.made]);
    if (broken) throw broken;
  } catch (error) {
    if (!requests.signal.aborted) return await fail(error, talk, stack);
  }
  talk.progress('stopping ...');
  await stack?.stop();
  talk.stopped();
  return 0;
}

async function fail(error: unknown, talk: Talker, stack: LocalStack | undefined): Promise<number> {
  await stack?.stop();
  if (!(error instanceof LocalError)) process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  talk.error(
    error instanceof LocalError ? error.message : `a fault of the local stack itself: ${reasonOf(error)}`,
  );
  return 1;
}

function parsePort(text: string): number {
  const port = parseNumber(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 1 to 65535.');
}
