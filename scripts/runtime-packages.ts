/**
 * Writes docs/runtime-packages.md: what others wrote of the code that runs in the functions, and why each is there.
 *
 *   node scripts/runtime-packages.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { functionNames } from '../lambdas/runtime/env-names.ts';
import { buildFunctions, type Bundle } from './build.ts';

const root = path.resolve(import.meta.dirname, '..');
export const runtimePackagesFile = path.join(root, 'docs', 'runtime-packages.md');

/** AWS's SDK and what it is made of: the way to AWS, in whatever number of packages. */
export const isOfTheSdk = (name: string) => /^@(aws-sdk|smithy|aws-crypto|aws)\//.test(name);

/** Why each of the others is in a bundle. A package without a reason here fails a test. */
export const reasons: Readonly<Record<string, string>> = {
  zod: 'Reads every body, query, message and stored item by a schema, and refuses the rest; the API document is made of it.',
  '@aws-lambda-powertools/logger': "Writes logs as JSON with Lambda's own ids in them.",
  '@aws-lambda-powertools/metrics': "Counts in CloudWatch's embedded format, without a call.",
  '@aws-lambda-powertools/commons': 'What the two above share.',
  '@middy/core': "Puts the logger's and the metrics' ends around each handler, also around one that throws.",
  'p-retry': 'Repeats a transaction that met another one, which the SDK does not.',
  'is-network-error': 'Part of p-retry.',
  ulid: 'Ids that sort by time: receipts and requests are listed by them.',
  mnemonist: "Part of the SDK's cache of DynamoDB endpoints.",
  obliterator: 'Part of mnemonist.',
};

interface PackageUse {
  readonly name: string;
  readonly usedBy: readonly string[];
}

/** The packages in the bundles, but for our own code. */
export function packagesIn(bundles: readonly Bundle[]): PackageUse[] {
  const uses = new Map<string, string[]>();
  for (const bundle of bundles) {
    for (const { name, bytes } of bundle.packages) {
      // A package that was shaken out altogether leaves its name behind, and no byte.
      if (name !== 'defib' && bytes > 0) uses.set(name, [...(uses.get(name) ?? []), bundle.name]);
    }
  }
  return [...uses].map(([name, usedBy]) => ({ name, usedBy })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function runtimePackagesPage(bundles: readonly Bundle[]): Promise<string> {
  const packages = packagesIn(bundles);
  const row = ({ name, usedBy }: PackageUse) => {
    const users = usedBy.length === functionNames.length ? 'all' : usedBy.join(', ');
    return `| ${name} | ${versionOf(name)} | ${users} | ${reasons[name] ?? ''} |`;
  };
  const text = [
    '# Packages that run in the functions',
    '<!-- Written by scripts/runtime-packages.ts from what the bundles are made of. A test fails when it is stale. -->',
    'The functions are bundled: what is not listed here is not deployed. Versions are pinned, with their hashes, in package-lock.json.',
    [
      '| package | version | in | why |',
      '| --- | --- | --- | --- |',
      ...packages.filter(({ name }) => !isOfTheSdk(name)).map(row),
    ].join('\n'),
    '## The AWS SDK',
    `The clients of DynamoDB, SQS, EC2 and EventBridge, and what they are made of: ${packages
      .filter(({ name }) => isOfTheSdk(name))
      .map(({ name }) => name)
      .join(', ')}.`,
  ].join('\n\n');
  return format(text, { parser: 'markdown', printWidth: 110 });
}

function versionOf(name: string): string {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  return lock.packages[`node_modules/${name}`]?.version ?? '?';
}

if (import.meta.main) {
  const page = await runtimePackagesPage(await buildFunctions());
  const before = readFileSync(runtimePackagesFile, { encoding: 'utf8', flag: 'a+' });
  if (page !== before) writeFileSync(runtimePackagesFile, page);
}
