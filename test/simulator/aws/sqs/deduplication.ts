/** FIFO queues swallow a second send of one deduplication id, for five minutes, and say that all is well. */

const WINDOW_MS = 5 * 60_000;

export interface Accepted {
  readonly id: string;
  readonly sequence: number;
}

export class Deduplication {
  readonly #known = new Map<string, Accepted & { readonly untilMs: number }>();

  /** The first send of it, if that is not five minutes ago. */
  before(key: string, nowMs: number): Accepted | undefined {
    const known = this.#known.get(key);
    return known && known.untilMs > nowMs ? known : undefined;
  }

  remember(key: string, accepted: Accepted, nowMs: number): void {
    for (const [old, { untilMs }] of this.#known) {
      if (untilMs > nowMs) break;
      this.#known.delete(old);
    }
    // Anew, so that the oldest stand first.
    this.#known.delete(key);
    this.#known.set(key, { ...accepted, untilMs: nowMs + WINDOW_MS });
  }
}
