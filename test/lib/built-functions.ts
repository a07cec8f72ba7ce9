import { existsSync } from 'node:fs';
import path from 'node:path';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { buildFunctions } from '../../scripts/build.ts';

/** A stack can be synthesised only with its functions built; in a fresh clone they are not, and that takes seconds. */
export async function setup(): Promise<void> {
  const bundles = functionNames.map((name) => path.join(packageRoot(), 'dist', 'lambdas', name, 'index.js'));
  if (!bundles.every((file) => existsSync(file))) await buildFunctions();
}
