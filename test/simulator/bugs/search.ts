/** A thread that plants one bug and lives the lives of its profile, seed by seed, until something breaks. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ProfileName } from '../profiles.ts';
import type { Edit } from './bug.ts';
import { plant } from './plant.ts';
import type { BugWorld } from './worlds.ts';

export interface Search {
  readonly edits: readonly Edit[];
  readonly breaks: readonly string[];
  readonly profile: BugWorld;
  /** The first seed, and the last one. */
  readonly from: number;
  readonly to: number;
  readonly minutes: number;
}

export type Finding =
  | { readonly kind: 'found'; readonly seed: number; readonly invariant: string; readonly what: string }
  | { readonly kind: 'survived' };

const { edits, breaks, profile, from, to, minutes } = workerData as Search;
const planted = plant(edits);
// Only now, so that the hook sees all that it loads.
const { live } = await import('../life.ts');
const { addWorlds } = await import('./worlds.ts');
addWorlds();
if (planted() !== edits.length) throw new Error('a planted file is never loaded by the simulator');
parentPort?.postMessage(await search());

async function search(): Promise<Finding> {
  for (let seed = from; seed <= to; seed++) {
    const { violations } = await live({ seed, profile: profile as ProfileName, minutes });
    const first = violations.find(({ invariant }) => breaks.includes(invariant));
    if (first) return { kind: 'found', seed, invariant: first.invariant, what: first.what };
  }
  return { kind: 'survived' };
}
