/** Sandboxes that stand still in the middle of an invocation, and carry on minutes later as if nothing had been. */
import { timeoutSeconds } from '../../core/timeouts.ts';
import type { Clock } from '../ports/clock.ts';

/**
 * Whether more time has gone by since then than any invocation of the function lives. What was true then is known no
 * more: others may have carried on. Both times are of the function's own clock, since one that is minutes behind counts
 * them as well as any.
 */
export function stoodStill(
  clock: Pick<Clock, 'nowMs'>,
  sinceMs: number,
  fn: keyof typeof timeoutSeconds,
): boolean {
  return clock.nowMs() - sinceMs >= timeoutSeconds[fn] * 1000;
}
