import type { Log } from '../ports/log.ts';

/** One row that fails must not keep the others from being swept. False: it has failed. */
export async function guarded(log: Log, id: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    log.error('sweep failed for one row', { id }, error);
    log.count('SweepRowFailed');
    return false;
  }
}
