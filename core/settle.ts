import type { Policy } from './policy.ts';
import { isInstant } from './time.ts';

/**
 * Until when a workspace is settling: what the table says, or a newer start that only the probe has seen.
 * Anchors only ever move forward (S17), so the later of the two wins.
 */
export function settleUntilMs(
  storedUntilMs: number,
  launchTimeMs: number | undefined,
  policy: Policy,
): number {
  if (!isInstant(launchTimeMs)) return storedUntilMs;
  return Math.max(storedUntilMs, launchTimeMs + policy.settleWindowMs);
}

/** Whether the window still holds, by the earliest end of the time range. Its last millisecond is excluded. */
export function isSettling(untilMs: number, earliestMs: number): boolean {
  return earliestMs < untilMs;
}
