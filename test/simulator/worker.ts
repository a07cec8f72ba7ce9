/** A thread that lives seeds, a handful at a time. */
import { parentPort } from 'node:worker_threads';
import { compileSchemas } from './compiled-schemas.ts';
import type { PlanOptions } from './plan.ts';
import type { Tally } from './tally.ts';

export interface Handful {
  readonly from: number;
  readonly count: number;
  readonly options: Omit<PlanOptions, 'seed'>;
}

compileSchemas();
// Only now, so that the hook sees all that they load.
const { live } = await import('./life.ts');
const { nothing, tallyOf, together } = await import('./tally.ts');

export async function liveHandful({ from, count, options }: Handful): Promise<Tally> {
  let tally = nothing;
  for (let seed = from; seed < from + count; seed += 1)
    tally = together(tally, tallyOf(await live({ ...options, seed })));
  return tally;
}

// Nobody reads the stacks of errors that are part of the play, and to collect them takes longer than the play.
Error.stackTraceLimit = 0;
parentPort?.on('message', (handful: Handful) => {
  void liveHandful(handful).then((tally) => parentPort?.postMessage(tally));
});
