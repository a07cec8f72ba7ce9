/** Tells what takes long: a line when a step has lasted two seconds, and one with its time when it is done. */

const quietMs = 2000;

export type Progress = (line: string) => void;

/** Runs one step under its name. A quick step says nothing. */
export async function step<Result>(
  name: string,
  onProgress: Progress,
  work: () => Promise<Result>,
): Promise<Result> {
  const startedMs = performance.now();
  const timer = setTimeout(() => onProgress(`${name} ...`), quietMs);
  try {
    const result = await work();
    const tookMs = performance.now() - startedMs;
    if (tookMs > quietMs) onProgress(`${name}: done in ${(tookMs / 1000).toFixed(1)} s`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
