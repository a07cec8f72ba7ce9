/**
 * Runs a TypeScript entry point of this project on the project's own Node:
 *
 *   node scripts/launch.mjs ENTRY.ts [arguments]
 *
 * A fresh clone starts here under whatever Node the user has, so this file is plain JavaScript that Node 18
 * can read. It installs the dependencies when they are not what the lockfile asks for, then hands over to
 * the Node 24 that the `node` package brings. Signals go to the child, and the child's exit code is ours.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bundledNode = path.join(root, 'node_modules', 'node', 'bin', 'node');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** The oldest Node that runs TypeScript files as they are. */
const OLDEST_USABLE = [22, 18];

function fail(message) {
  process.stderr.write(`defib: ${message}\n`);
  process.exit(1);
}

function versionAtLeast(version, [major, minor]) {
  const [have, haveMinor] = version.replace(/^v/, '').split('.').map(Number);
  return have > major || (have === major && haveMinor >= minor);
}

function runNpm(args, what) {
  process.stderr.write(`defib: ${what} ...\n`);
  const started = Date.now();
  // npm's own chatter goes to standard error: standard output belongs to the entry point (`--json`).
  const done = spawnSync(npm, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.error || done.status !== 0) {
    const why = done.error
      ? done.error.message
      : `npm ${args[0]} ended with ${String(done.status ?? done.signal)}`;
    fail(
      `${what} failed: ${why}. Check the network and the messages above, then run the same command again.`,
    );
  }
  process.stderr.write(`defib: ${what}: done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

/** Installs unless what npm has noted of node_modules is what the lockfile asks for, however it got there. */
function installDependencies() {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  const isComplete = Object.entries(wanted).every(
    // Optional packages may be for other machines than this one.
    ([name, { version, optional }]) =>
      name === '' || installed[name]?.version === version || (optional && !installed[name]),
  );
  if (isComplete) return;
  runNpm(
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    'installing dependencies (a minute or two, once)',
  );
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(path.join(root, lockfile), 'utf8')).packages;
  } catch {
    return {};
  }
}

function nodeWorks(file) {
  return existsSync(file) && spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The project's Node 24; the user's own where that one cannot be had but is new enough. */
function findNode() {
  if (nodeWorks(bundledNode)) return bundledNode;
  if (existsSync(path.dirname(path.dirname(bundledNode)))) {
    // Its binary comes by an install script, which `--ignore-scripts` leaves out.
    const rebuilt = spawnSync(npm, ['rebuild', 'node', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (rebuilt.status === 0 && nodeWorks(bundledNode)) return bundledNode;
  }
  if (versionAtLeast(process.version, OLDEST_USABLE)) return process.execPath;
  return fail(
    `Node 24 could not be installed, and this Node is ${process.version}. Install Node 24 and try again.`,
  );
}

if (!versionAtLeast(process.version, [20, 0])) {
  fail(`Node 20 or newer is needed to start, this is ${process.version}.`);
}
const [entry, ...rest] = process.argv.slice(2);
if (!entry) fail('usage: node scripts/launch.mjs ENTRY.ts [arguments]');

installDependencies();
const node = findNode();
const child = spawn(node, [path.join(root, entry), ...rest], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: [path.dirname(node), path.join(root, 'node_modules', '.bin'), process.env.PATH].join(
      path.delimiter,
    ),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(`could not start ${entry}: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)));
