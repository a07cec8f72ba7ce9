/** What many lives came to, all together. */
import type { Life } from './life.ts';
import type { Violation } from './oracles/witness.ts';

export interface Broken extends Violation {
  readonly seed: number;
}

export interface Tally {
  readonly seeds: number;
  readonly steps: number;
  readonly invocations: number;
  readonly workspaceMs: number;
  /** All hashes in one: the same seeds give the same, in whatever order they were run. */
  readonly hash: string;
  /** The first violation of each seed that had one. */
  readonly broken: readonly Broken[];
  readonly counts: ReadonlyMap<string, number>;
}

export const nothing: Tally = {
  seeds: 0,
  steps: 0,
  invocations: 0,
  workspaceMs: 0,
  hash: '0000000000000000',
  broken: [],
  counts: new Map(),
};

export function tallyOf(life: Life): Tally {
  const [first] = life.violations;
  return {
    seeds: 1,
    steps: life.steps,
    invocations: life.invocations,
    workspaceMs: life.workspaceMs,
    hash: life.hash,
    broken: first ? [{ ...first, seed: life.seed }] : [],
    counts: life.counts,
  };
}

export function together(one: Tally, other: Tally): Tally {
  const counts = new Map(one.counts);
  for (const [what, count] of other.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  return {
    seeds: one.seeds + other.seeds,
    steps: one.steps + other.steps,
    invocations: one.invocations + other.invocations,
    workspaceMs: one.workspaceMs + other.workspaceMs,
    hash: sumOf(one.hash, other.hash),
    broken: [...one.broken, ...other.broken],
    counts,
  };
}

const YEAR_MS = 365.25 * 24 * 3_600_000;

export function workspaceYears({ workspaceMs }: Tally): number {
  return workspaceMs / YEAR_MS;
}

function sumOf(one: string, other: string): string {
  return BigInt.asUintN(64, BigInt(`0x${one}`) + BigInt(`0x${other}`))
    .toString(16)
    .padStart(16, '0');
}
