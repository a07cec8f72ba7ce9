/** How long a parked message stays invisible before it is looked at again. */

const SHORTEST_DEFERRAL_MS = 5000;
const LONGEST_DEFERRAL_MS = 60_000;
const PATIENT_DEFERRAL_MS = 120_000;
const PATIENT_AFTER_MS = 60 * 60_000;
const SOON_MS = 2000;

/**
 * How long a deferred message stays invisible, by how long it has waited: as long again, so that the waits double from
 * 5 s to 60 s, and two minutes after the first hour (about 760 receives a day, below the queue's 1,000). `jitter` from
 * 0 to 1 takes off up to a fifth.
 */
export function deferralMs(waitedMs: number, jitter: number, soon = false): number {
  if (soon) return SOON_MS;
  const doublingMs = Math.min(Math.max(waitedMs, SHORTEST_DEFERRAL_MS), LONGEST_DEFERRAL_MS);
  const fullMs = waitedMs > PATIENT_AFTER_MS ? PATIENT_DEFERRAL_MS : doublingMs;
  return Math.round(fullMs * (1 - jitter / 5));
}

/** A wait until a known moment: never less than a second, nor longer than the two minutes in which a crash is noticed. */
export function deferralUntilMs(nowMs: number, untilMs: number): number {
  return Math.min(Math.max(untilMs - nowMs, 1000), PATIENT_DEFERRAL_MS);
}

/**
 * How long to leave an agent alone after it failed at a request, by how often it did: 5 s, doubled up to 60 s. What it
 * asks for itself (Retry-After) counts up to two minutes. `jitter` from 0 to 1 takes off up to a fifth.
 */
export function retryDelayMs(failures: number, jitter: number, retryAfterSeconds = 0): number {
  const doublingMs = SHORTEST_DEFERRAL_MS * 2 ** Math.min(Math.max(failures - 1, 0), 10);
  const ownMs = Math.min(doublingMs, LONGEST_DEFERRAL_MS) * (1 - jitter / 5);
  return Math.round(Math.max(ownMs, Math.min(retryAfterSeconds * 1000, PATIENT_DEFERRAL_MS)));
}
