/** Many seeds on several threads. */
import { Worker } from 'node:worker_threads';
import type { PlanOptions } from './plan.ts';
import { nothing, together, type Tally } from './tally.ts';
import type { Handful } from './worker.ts';

export interface CrewOptions extends Omit<PlanOptions, 'seed'> {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly signal?: AbortSignal;
  /** Ends soon after the first violation. @default false */
  readonly stopsWhenBroken?: boolean;
  readonly onProgress?: (tally: Tally) => void;
}

const HANDFUL = 20;
/** A life leaves much behind and keeps little: the more room for the young, the less often it is tidied. */
const resourceLimits = { maxYoungGenerationSizeMb: 192 };

export async function liveAll(crew: CrewOptions): Promise<Tally> {
  const { from, seeds, jobs, signal, stopsWhenBroken = false, onProgress, ...options } = crew;
  let next = from;
  let tally = nothing;
  const isOver = (): boolean =>
    next >= from + seeds || signal?.aborted === true || (stopsWhenBroken && tally.broken.length > 0);
  const work = async (): Promise<void> => {
    if (isOver()) return;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { resourceLimits });
    try {
      while (!isOver()) {
        const count = Math.min(HANDFUL, from + seeds - next);
        const handful: Handful = { from: next, count, options };
        next += count;
        const done = await answerOf(worker, handful, signal);
        if (!done) return;
        tally = together(tally, done);
        onProgress?.(tally);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return tally;
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
