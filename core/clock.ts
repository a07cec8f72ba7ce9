import type { Facts } from './facts.ts';

/** An HTTP Date header counts whole seconds, cut off: the answer may be this much younger than it says. */
const DATE_RESOLUTION_MS = 1000;

/**
 * The second opinion on the function's clock: the time at which the database says it answered. More than the skew
 * margin apart, or no second opinion at all, and nothing may be judged by time (S15, S16).
 */
export function clockFact(
  ownMs: number,
  serverTimeMs: number | undefined,
  skewMarginMs: number,
): Facts['clock'] {
  if (serverTimeMs === undefined) return 'unknown';
  const aheadMs = ownMs - serverTimeMs;
  return aheadMs >= -skewMarginMs && aheadMs <= skewMarginMs + DATE_RESOLUTION_MS ? 'agrees' : 'disagrees';
}

/** One read of the database, as the function's own clock and the database's saw it. */
export interface DatedRead {
  readonly askedAtMs: number;
  /** The `Date` of the answer. */
  readonly serverTimeMs?: number | undefined;
}

/**
 * The latest that it can be, whatever the own clock says: the database answered after it was asked, and has cut its time
 * off; since then the own clock has counted, which it does rightly even where it is wrong. What is stamped with this is
 * never older than it says (S4).
 */
export function latestMs(ownMs: number, { askedAtMs, serverTimeMs = 0 }: DatedRead): number {
  return Math.max(ownMs, serverTimeMs + DATE_RESOLUTION_MS + ownMs - askedAtMs);
}
