/** Looks for bugs, each in a thread of its own, a few at a time. */
import { Worker } from 'node:worker_threads';
import { editsOf, type Bug } from './bug.ts';
import type { Finding, Search } from './search.ts';

export interface Hunted {
  readonly bug: Bug;
  readonly finding: Finding;
  readonly seconds: number;
}

export interface HuntOptions {
  readonly seeds: number;
  readonly minutes: number;
  readonly jobs: number;
}

/** Hunts them all; `told` is told of each as soon as it is over. */
export async function hunt(
  bugs: readonly Bug[],
  { seeds, minutes, jobs }: HuntOptions,
  told: (hunted: Hunted) => void = () => {},
): Promise<readonly Hunted[]> {
  const left = [...bugs];
  const all: Hunted[] = [];
  const work = async (): Promise<void> => {
    for (let bug = left.shift(); bug; bug = left.shift()) {
      const beganMs = performance.now();
      const finding = await find(bug, { seeds, minutes });
      const hunted = { bug, finding, seconds: (performance.now() - beganMs) / 1000 };
      all.push(hunted);
      told(hunted);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return all;
}

/** The first seed that breaks something with the bug, and nothing without it. */
async function find(bug: Bug, { seeds, minutes }: Pick<HuntOptions, 'seeds' | 'minutes'>): Promise<Finding> {
  const search = { profile: bug.profile, breaks: bug.breaks, minutes, to: seeds };
  for (let from = 1; ;) {
    const finding = await run({ ...search, edits: editsOf(bug), from });
    if (finding.kind === 'survived') return finding;
    const { seed } = finding;
    const control = await run({ ...search, edits: [], from: seed, to: seed });
    if (control.kind === 'survived') return finding;
    from = seed + 1;
  }
}

function run(search: Search): Promise<Finding> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./search.ts', import.meta.url), { workerData: search });
    worker.once('message', (finding: Finding) => {
      resolve(finding);
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(new Error(`a search ended with ${code} and said nothing`));
    });
  });
}
