/** The ways in which a person or a parent asks a long-running command to stop. */

const parentCheckMs = 1000;

export interface StopRequests {
  /** Aborted at the first request. */
  readonly signal: AbortSignal;
  /** Resolves at the first request. */
  readonly made: Promise<undefined>;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP, which may come two or three times (the terminal sends one to everybody,
 * npm and the launcher pass theirs on), and for the death of the parent: the launcher cannot tell when it is killed.
 */
export function stopRequests(): StopRequests {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error('Asked to stop.'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) stop();
  }, parentCheckMs);
  watch.unref();
  const made = new Promise<undefined>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return { signal: controller.signal, made };
}
