/** What is drawn or derived: ids, jitter, fingerprints. */

export interface Ids {
  /** A new ULID: unique, and in the order of time. */
  next(nowMs: number): string;
  /** From 0 to 1, to spread retries. */
  jitter(): number;
  /** SHA-256 in hex. */
  fingerprint(text: string): string;
}
