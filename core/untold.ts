/** News of an end that could not be published. */

const FIRST_AGAIN_MS = 60_000;
const LAST_AGAIN_MS = 60 * 60_000;

/** When it is tried again: after as long as the end is old by now, so that many of them do not crowd out other work. */
export function tellAgainAtMs(endedAtMs: number, nowMs: number): number {
  return nowMs + Math.min(Math.max(nowMs - endedAtMs, FIRST_AGAIN_MS), LAST_AGAIN_MS);
}
