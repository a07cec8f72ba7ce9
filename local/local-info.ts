/**
 * What a running local stack tells the world: the JSON of `.defib/local.json` (api.md, "The local stack, for tools").
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import { answers } from './answers.ts';
import { LocalError } from './local-error.ts';
import { shown } from './places.ts';

type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** The functions as JSON keys: `forwardError`, `reprobe`, ... */
export type FunctionKey = CamelCase<FunctionName>;
export type QueueKey =
  | 'reprobe'
  | 'reprobeDlq'
  | 'restart'
  | 'restartDlq'
  | 'parked'
  | 'parkedDlq'
  | 'deliveries'
  | 'deliveriesDlq';
/** The callers' roles, and each function's own: `sweepFunction`, `restartFunction`, ... */
export type RoleKey = 'proxy' | 'operator' | 'agent' | `${FunctionKey}Function`;

export interface LocalInfo {
  /** The emulator: the endpoint of every AWS service but EC2. */
  readonly endpointUrl: string;
  /** The HTTP API, at its `execute-api` host name. */
  readonly apiUrl: string;
  readonly region: string;
  readonly tableName: string;
  readonly busName: string;
  /** Queue URLs. */
  readonly queues: Readonly<Record<QueueKey, string>>;
  /** Role ARNs; they trust the local account, so that a tool may assume them. */
  readonly roles: Readonly<Record<RoleKey, string>>;
  /** Function names. */
  readonly functions: Readonly<Record<FunctionKey, string>>;
  /** The endpoint of EC2. */
  readonly ec2ProxyUrl: string;
  /** Where faults are ordered and calls are counted. */
  readonly ec2ControlUrl: string;
  /** Only instances with this tag can be registered or restarted. */
  readonly workspaceTag: { readonly Key: string; readonly Value: string };
}

/** Where tools look for the running stack, inside the stack's folder (`.defib` by default). */
export const infoFileOf = (folder: string): string => path.join(folder, 'local.json');

/** Writes the file in one step, so that nobody reads half of it. */
export function writeLocalInfo(folder: string, info: LocalInfo): void {
  mkdirSync(folder, { recursive: true });
  const draft = path.join(folder, `local.json.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(info, null, 2)}\n`);
  renameSync(draft, infoFileOf(folder));
}

/** Removes the file: the stack no longer runs. */
export function removeLocalInfo(folder: string): void {
  rmSync(infoFileOf(folder), { force: true });
}

/** Two stacks in one folder would overwrite each other's file. A file whose stack is gone is no hindrance. */
export async function refuseSecondStack(folder: string): Promise<void> {
  if (!existsSync(infoFileOf(folder))) return;
  const { ec2ControlUrl } = readLocalInfo(folder);
  if (!(await answers(ec2ControlUrl))) return;
  throw new LocalError(
    `A local stack runs already (see ${shown(infoFileOf(folder))}): use it, or stop it with Ctrl-C where it was started.`,
  );
}

/** The stack that runs now. */
export function readLocalInfo(folder: string): LocalInfo {
  try {
    return JSON.parse(readFileSync(infoFileOf(folder), 'utf8')) as LocalInfo;
  } catch (error) {
    throw new LocalError(
      `No local stack is running (no ${infoFileOf(folder)}). Start one with: npm run local`,
      {
        cause: error,
      },
    );
  }
}
