/** Runs the Quint model, and reads the traces that it leaves behind (ITF, apalache-mc.org/docs/adr/015adr-trace.html). */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../lib/package-root.ts';

export interface ModelRun {
  readonly samples: number;
  readonly steps: number;
  readonly seed: number;
  readonly traces: number;
  /** Another folder than `spec`, for a broken copy of the model. */
  readonly spec?: string;
}

/** One action of a trace: its name, what it chose, and the world after it. */
export interface Step {
  readonly action: string;
  readonly picks: Readonly<Record<string, unknown>>;
  readonly world: World;
}

export type Values = Readonly<Record<string, number | string | boolean>>;
export interface Row extends Record<string, unknown> {
  readonly evidence: Values;
  readonly claim: Values;
}
export interface World {
  readonly now: number;
  readonly row: Row;
  readonly machines: ReadonlyMap<number, Values>;
  readonly hands: ReadonlyMap<string, { readonly todo: string }>;
  readonly reprobes: readonly { verdict: number; generation: number; instance: number }[];
  readonly orders: readonly { token: number; epoch: number }[];
  readonly acts: readonly { what: string; instance: number }[];
}

const invariants = 's1 s2 s3 s4 s6 s7 s8 s9 s12 s13 s17 beats s27'.split(' ');
export const witnesses = 'deadClaimed operatorClaimed claimLost started stopped retiredBeat restarted'.split(
  ' ',
);

export interface ModelResult {
  readonly exitCode: number | null;
  readonly output: string;
  readonly traces: readonly (readonly Step[])[];
}

export function runModel({ samples, steps, seed, traces, spec = 'spec' }: ModelRun): ModelResult {
  const folder = mkdtempSync(path.join(tmpdir(), 'defib-model-'));
  try {
    const args = [
      'run',
      path.join(spec, 'invariants.qnt'),
      '--main',
      'invariants',
      '--backend',
      'typescript',
    ];
    const search = ['--max-samples', samples, '--max-steps', steps, '--seed', seed, '--n-traces', traces];
    const kept = ['--mbt', '--out-itf', path.join(folder, traces === 1 ? '0.json' : '{seq}.json')];
    // Into a file: what Quint has said last is lost in a pipe when it exits at once.
    const told = path.join(folder, 'told.txt');
    const file = openSync(told, 'w');
    const { status } = spawnSync(
      path.join(packageRoot(), 'node_modules/.bin/quint'),
      [
        ...args,
        ...search.map(String),
        ...kept,
        '--invariants',
        ...invariants,
        '--witnesses',
        ...witnesses,
        '--hide',
        'world',
        'was',
      ],
      { cwd: packageRoot(), stdio: ['ignore', file, file], env: { ...process.env, NO_COLOR: '1' } },
    );
    closeSync(file);
    const written = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return {
      exitCode: status,
      output: readFileSync(told, 'utf8'),
      traces: written.map((name) => stepsOf(readFileSync(path.join(folder, name), 'utf8'))),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function stepsOf(text: string): Step[] {
  const { states } = JSON.parse(text) as { states: Record<string, unknown>[] };
  return states.map((state) => ({
    action: String(state['mbt::actionTaken']),
    picks: plain(state['mbt::nondetPicks']) as Step['picks'],
    world: plain(state['world']) as World,
  }));
}

/** ITF's marked values as plain ones. A choice that was not made is undefined. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const marked = value as Record<string, unknown>;
  if ('#bigint' in marked) return Number(marked['#bigint']);
  if ('#set' in marked) return plain(marked['#set']);
  if ('#map' in marked)
    return new Map((marked['#map'] as [unknown, unknown][]).map(([key, of]) => [plain(key), plain(of)]));
  if (marked['tag'] === 'Some') return plain(marked['value']);
  if (marked['tag'] === 'None') return undefined;
  return Object.fromEntries(Object.entries(marked).map(([key, of]) => [key, plain(of)]));
}
