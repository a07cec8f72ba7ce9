/** Time that moves only when nothing is left to do at its present moment: a run of many minutes takes none. */

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualTime {
  nowMs = Date.parse('2026-11-24T12:00:00Z');
  #timers: Timer[] = [];
  #order = 0;
  #busy = 0;
  #failure: unknown;
  #whenQuiet: () => void = () => {};

  /** Does something later; the answer takes it back. */
  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, order: (this.#order += 1), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Starts work: time stands still until it has ended or sleeps. What it throws ends the whole run. */
  start(work: () => Promise<void>): void {
    this.#busy += 1;
    void work()
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#rest();
      });
  }

  /** Only within started work. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, () => {
        this.#busy += 1;
        resolve();
      });
      this.#rest();
    });
  }

  /** Moves on from timer to timer until it is over; fails when that takes longer than it may. */
  async run(isOver: () => boolean, atMostMs: number): Promise<void> {
    const lastMs = this.nowMs + atMostMs;
    for (;;) {
      if (this.#busy > 0) await new Promise<void>((resolve) => (this.#whenQuiet = resolve));
      if (this.#failure !== undefined) throw this.#failure as Error;
      if (isOver()) return;
      const next = this.#timers.reduce<Timer | undefined>(earlier, undefined);
      if (!next || next.atMs > lastMs) throw new Error(`not over after ${atMostMs / 60_000} minutes`);
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
  }

  #rest(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#whenQuiet();
  }
}

function earlier(one: Timer | undefined, other: Timer): Timer {
  if (!one || other.atMs < one.atMs) return other;
  return other.atMs === one.atMs && other.order < one.order ? other : one;
}
