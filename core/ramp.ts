import { LONGEST_CAPACITY_WAIT_MS } from './claim.ts';

/**
 * The way back after the brake: one canary, and only when its restart is done two, then four, and so on, until the
 * fleet's usual cap is reached. What waits is probed again when its turn comes, so that nobody is restarted on what
 * was seen in the storm.
 */
export interface Ramp {
  /** How many restarts this stage has. */
  readonly size: number;
  /** Tokens of the stage that are under way. */
  readonly running: readonly string[];
  /** How many of the stage are done. */
  readonly done: number;
  /** The last time that it moved, epoch ms. */
  readonly sinceMs: number;
}

/**
 * Claims that wait for admission ask at least once a minute, those that wait for capacity at each try: a ramp at which
 * nobody has asked for longer has nobody waiting.
 */
export const QUIET_MS = LONGEST_CAPACITY_WAIT_MS * 1.2 + 60_000;

export function newRamp(nowMs: number): Ramp {
  return { size: 1, running: [], done: 0, sinceMs: nowMs };
}

export function hasRoom({ size, running, done }: Ramp): boolean {
  return running.length + done < size;
}

export function joined(ramp: Ramp, token: string, nowMs: number): Ramp {
  return { ...ramp, running: [...ramp.running, token], sinceMs: nowMs };
}

/**
 * The ramp after a restart that was done; twice as wide when it was the last of its stage. One that ended without
 * telling anything (an instance that is gone, a wish withdrawn, an agent heard again) gives its place to the next.
 */
export function left(ramp: Ramp, token: string, isDone: boolean, nowMs: number): Ramp {
  if (!ramp.running.includes(token)) return ramp;
  const running = ramp.running.filter((other) => other !== token);
  const done = ramp.done + (isDone ? 1 : 0);
  return done >= ramp.size
    ? { size: ramp.size * 2, running: [], done: 0, sinceMs: nowMs }
    : { ...ramp, running, done, sinceMs: nowMs };
}

/** The ramp while nobody may ask: that nobody does says nothing then. */
export function keptAwake(ramp: Ramp, nowMs: number): Ramp {
  return { ...ramp, sinceMs: Math.max(ramp.sinceMs, nowMs) };
}

/** Whether nobody is under way, and nobody seems to wait. By the earliest end: doubt keeps the ramp. */
export function isQuiet(ramp: Ramp, earliestMs: number): boolean {
  return ramp.running.length === 0 && earliestMs - ramp.sinceMs >= QUIET_MS;
}
