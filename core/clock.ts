import type { Facts } from './facts.ts';

/** An HTTP Date header counts whole seconds. */
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
  return Math.abs(ownMs - serverTimeMs) <= skewMarginMs + DATE_RESOLUTION_MS ? 'agrees' : 'disagrees';
}
