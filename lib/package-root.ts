import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from './configuration-error.ts';

/** The folder of Defib's package.json: this file runs from `lib` in the repository, and from `dist/lib` when installed. */
export function packageRoot(from: string = import.meta.dirname): string {
  const file = path.join(from, 'package.json');
  if (existsSync(file)) {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string };
    if (name === 'defib') return from;
  }
  const parent = path.dirname(from);
  if (parent === from)
    throw new ConfigurationError('Expected the package.json of defib in a folder above its code, found none');
  return packageRoot(parent);
}
