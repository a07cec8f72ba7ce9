/**
 * Builds what is deployed and what is published, into dist:
 *
 *   node scripts/build.ts [--functions-only] [--sizes]
 *
 * Each function becomes one file, dist/lambdas/<name>/index.js; the constructs become dist/lib.
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { build, type Metafile } from 'esbuild';
import { functionNames, type FunctionName } from '../lambdas/runtime/env-names.ts';

const root = path.resolve(import.meta.dirname, '..');
const bundlesFolder = path.join(root, 'dist', 'lambdas');

/** A built function: its size, and the packages that it is made of, the largest first. */
export interface Bundle {
  readonly name: FunctionName;
  readonly bytes: number;
  readonly packages: readonly { readonly name: string; readonly bytes: number }[];
}

/** Bundles the functions, in one run that reads what they share once. Files that would not change are not touched. */
export async function buildFunctions(names: readonly FunctionName[] = functionNames): Promise<Bundle[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: `lambdas/${name}/index.ts`, out: `${name}/index` })),
    outdir: 'dist/lambdas',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    // CommonJS: on Node 24 an `import` of node:http costs 40 ms of each cold start, a `require` 6 ms.
    format: 'cjs',
    // The SDK's ES modules can be shaken: 1.8 times smaller than its CommonJS, which platform node would take.
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'silent',
  });
  return Promise.all(
    names.map(async (name) => {
      const folder = path.join(bundlesFolder, name);
      const file = path.join(folder, 'index.js');
      const code = outputFiles.find((output) => output.path === file)?.text ?? '';
      await mkdir(folder, { recursive: true });
      await writeIfChanged(file, code);
      // Defib's own package says "module"; the bundle is not one.
      await writeIfChanged(path.join(folder, 'package.json'), '{"type":"commonjs"}\n');
      const inputs = metafile.outputs[`dist/lambdas/${name}/index.js`]?.inputs ?? {};
      return { name, bytes: Buffer.byteLength(code), packages: packagesOf(inputs) };
    }),
  );
}

async function writeIfChanged(file: string, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === text) return;
  // In one step, and made elsewhere: a deploy beside this build takes no half of a file, nor a draft.
  const draft = path.join(
    root,
    'dist',
    `${path.relative(root, file).replaceAll(path.sep, '-')}.${process.pid}`,
  );
  await writeFile(draft, text);
  await rename(draft, file);
}

function packagesOf(inputs: Metafile['outputs'][string]['inputs']): Bundle['packages'] {
  const sizes = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'defib';
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  return [...sizes].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

/** Compiles the constructs, with their types, as an installed package has them. */
async function buildLibrary(): Promise<void> {
  // What was compiled from a source that is gone would be published too.
  for (const folder of ['lib', 'core', 'lambdas/runtime']) {
    await rm(path.join(root, 'dist', folder), { recursive: true, force: true });
  }
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [tsc, '-p', 'lib'], { cwd: root, stdio: 'inherit' });
    child.on('error', reject).on('exit', resolve);
  });
  if (code !== 0) throw new Error('the constructs in lib do not compile, see above');
}

async function removeStrangers(): Promise<void> {
  const known: readonly string[] = [...functionNames, 'runtime'];
  const found = await readdir(bundlesFolder).catch(() => []);
  for (const name of found.filter((it) => !known.includes(it))) {
    await rm(path.join(bundlesFolder, name), { recursive: true });
  }
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`;

function printSizes(bundles: readonly Bundle[]): void {
  for (const { name, bytes, packages } of bundles) {
    const largest = packages.slice(0, 4).map((it) => `${it.name} ${kilobytes(it.bytes)}`);
    console.log(`${name.padEnd(14)} ${kilobytes(bytes).padStart(8)}   ${largest.join(', ')}`);
  }
}

interface Options {
  readonly functionsOnly?: true;
  readonly sizes?: true;
}

async function main({ functionsOnly, sizes }: Options): Promise<void> {
  await removeStrangers();
  const [bundles] = await Promise.all([buildFunctions(), functionsOnly ?? buildLibrary()]);
  if (sizes) printSizes(bundles);
}

if (import.meta.main) {
  const command = new Command('build')
    .description('Builds the functions and the constructs into dist.')
    .option('--functions-only', 'only the functions: all that a deployment needs')
    .option('--sizes', 'print the size of each function, and of what it is made of')
    .parse();
  try {
    await main(command.opts<Options>());
  } catch (error) {
    console.error(`defib: the build failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
