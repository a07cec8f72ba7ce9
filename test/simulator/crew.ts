/**
 * Threads that live seeds. They are kept from one kind of world to the next: a thread that has just begun is slow for
 * the first thousand lives.
 */
import { Worker } from 'node:worker_threads';
import type { PlanOptions } from './plan.ts';
import { nothing, together, type Tally } from './tally.ts';
import type { Handful } from './worker.ts';

export interface Lives extends Omit<PlanOptions, 'seed'> {
  readonly from: number;
  readonly seeds: number;
  /** Ends soon, with what was lived by then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (tally: Tally) => void;
}

const HANDFUL = 20;
/** A life leaves much behind and keeps little: the more room for the young, the less often it is tidied. */
const resourceLimits = { maxYoungGenerationSizeMb: 192 };

export class Crew {
  readonly #workers: readonly Worker[];

  constructor(jobs: number) {
    const url = new URL('./worker.ts', import.meta.url);
    this.#workers = Array.from({ length: jobs }, () => new Worker(url, { resourceLimits }));
  }

  /** Lives them all, one handful after another on each thread that is free. */
  async live({ from, seeds, signal, onProgress, ...options }: Lives): Promise<Tally> {
    let next = from;
    let tally = nothing;
    const end = from + seeds;
    const work = async (worker: Worker): Promise<void> => {
      while (next < end && signal?.aborted !== true) {
        const handful: Handful = { from: next, count: Math.min(HANDFUL, end - next), options };
        next += handful.count;
        const done = await answerOf(worker, handful, signal);
        if (!done) return;
        tally = together(tally, done);
        onProgress?.(tally);
      }
    };
    await Promise.all(this.#workers.map(work));
    return tally;
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Lives them with threads of their own. */
export async function liveAll({ jobs, ...lives }: Lives & { readonly jobs: number }): Promise<Tally> {
  const crew = new Crew(jobs);
  try {
    return await crew.live(lives);
  } finally {
    await crew.end();
  }
}

/** The tally of a handful; undefined when somebody does not want it any more. */
function answerOf(
  worker: Worker,
  handful: Handful,
  signal: AbortSignal | undefined,
): Promise<Tally | undefined> {
  return new Promise((resolve, reject) => {
    const unwanted = (): void => {
      resolve(undefined);
    };
    signal?.addEventListener('abort', unwanted, { once: true });
    worker.removeAllListeners();
    worker.once('message', (tally: Tally) => {
      signal?.removeEventListener('abort', unwanted);
      resolve(tally);
    });
    worker.once('error', reject);
    worker.postMessage(handful);
  });
}
