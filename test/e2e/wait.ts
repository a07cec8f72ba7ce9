/** Waiting for conditions, with a deadline: never for luck. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is not undefined; fails with what was last seen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  {
    deadlineMs = 60_000,
    everyMs = 250,
    seen = () => '',
  }: { deadlineMs?: number; everyMs?: number; seen?: () => string } = {},
): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > endMs) throw new Error(`Waited ${deadlineMs / 1000} s in vain until ${what}. ${seen()}`);
    await sleep(everyMs);
  }
}

/** Many at a time, but no more than the machine can take. */
export async function inGroups<T, R>(
  things: readonly T[],
  size: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < things.length; start += size)
    results.push(...(await Promise.all(things.slice(start, start + size).map(work))));
  return results;
}

export { sleep };
