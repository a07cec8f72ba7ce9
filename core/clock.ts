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
