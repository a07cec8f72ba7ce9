/** Sandboxes that stand still in the middle of an invocation, and carry on minutes later as if nothing had been. */
import type { RestartView } from '../../core/restart.ts';
import type { RestartPorts } from './finish.ts';

/** The restart function's own time-out: until then the invocation that issued Stop may still be at it. */
export const INVOCATION_LIFE_MS = 20_000;

/** What one run looks at. */
export interface RestartRun extends RestartView {
  /** When it began, by the function's own clock. */
  readonly beganMs: number;
}

/**
 * Whether the sandbox stood still for longer than any invocation lives: others may have carried on since, and what the
 * intent allowed is theirs, or over (S8). A Stop now would hit whatever boot there is by now (S9), and a brake that
 * opened now would cool down from a time that is past (S13). Both times are of the function's own clock: one that is
 * minutes behind counts them as well as any, and would be late for the message's.
 */
export function wasFrozen(
  { clock }: Pick<RestartPorts, 'clock'>,
  { beganMs }: Pick<RestartRun, 'beganMs'>,
): boolean {
  return clock.nowMs() - beganMs >= INVOCATION_LIFE_MS;
}
