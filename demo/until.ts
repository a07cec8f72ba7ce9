/** Waiting for something to become true, with an end to the patience. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** What is waited for, for the message when it does not come. */
  readonly what: string;
  readonly withinSeconds: number;
  /** @default 100 */
  readonly everyMs?: number;
  readonly signal: AbortSignal;
}

export class WaitedInVainError extends Error {
  override readonly name = 'WaitedInVainError';
}

/** Looks again and again until there is something to see, and gives that back. */
export async function until<Seen>(
  patience: Patience,
  look: () => Seen | undefined | false | Promise<Seen | undefined | false>,
): Promise<Seen> {
  const { what, withinSeconds, everyMs = 100, signal } = patience;
  const giveUpAtMs = performance.now() + withinSeconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > giveUpAtMs)
      throw new WaitedInVainError(`waited ${withinSeconds} s in vain for ${what}`);
    await sleep(everyMs, undefined, { signal });
  }
}
