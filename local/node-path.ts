/** The Node that runs the functions, the CDK app and the build: the project's own, else the one that runs us. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { projectRoot } from './places.ts';

const projectsOwn = path.join(projectRoot, 'node_modules', 'node', 'bin', 'node');

export const nodeBinary: string = existsSync(projectsOwn) ? projectsOwn : process.execPath;

/**
 * The environment that children get: this PATH with that Node first, and nothing of the user's AWS settings,
 * proxies or Node options. What the emulator has, every function has too.
 */
export function childEnvironment(more: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['HOME', 'LANG', 'TMPDIR'].flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const path_ = [path.dirname(nodeBinary), process.env['PATH'] ?? ''].join(path.delimiter);
  return { ...Object.fromEntries(kept), PATH: path_, ...more };
}
