/** Restarts by sandboxes that stood still in the middle of an invocation. */
import type { RestartView } from '../../core/restart.ts';
import { timeoutSeconds } from '../../core/timeouts.ts';
import { stoodStill } from '../runtime/stood-still.ts';
import type { RestartPorts } from './finish.ts';

/** Until then the invocation that issued Stop may still be at it. */
export const INVOCATION_LIFE_MS = timeoutSeconds.restart * 1000;

/** What one run looks at. */
export interface RestartRun extends RestartView {
  /** When it began, by the function's own clock. */
  readonly beganMs: number;
}

/**
 * Whether the sandbox stood still since the run began: what the intent allowed is others' by now, or over (S8). A Stop
 * would hit whatever boot there is by now (S9), and a brake that opened would cool down from a time that is past (S13).
 */
export function wasFrozen(
  { clock }: Pick<RestartPorts, 'clock'>,
  { beganMs }: Pick<RestartRun, 'beganMs'>,
): boolean {
  return stoodStill(clock, beganMs, 'restart');
}
