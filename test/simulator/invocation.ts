/** One run of one function: it lives until it answers, crashes, or has used up its time. */
import type { Scheduler } from './scheduler.ts';
import type { Code } from './versions.ts';

export class Invocation {
  readonly name: string;
  readonly number: number;
  /** Which code it runs. */
  readonly code: Code;
  readonly beganMs: number;
  /** What it was invoked with. */
  readonly event: unknown;
  /** When Lambda ends it. */
  deadlineMs: number;
  /** Nothing of it happens before this. */
  frozenUntilMs = 0;
  hasEnded = false;
  readonly #time: Scheduler;
  readonly #died: (because: 'crash' | 'timeout') => void;

  constructor(
    time: Scheduler,
    about: {
      readonly name: string;
      readonly number: number;
      readonly code?: Code;
      readonly timeoutMs: number;
      readonly event: unknown;
    },
    died: (because: 'crash' | 'timeout') => void,
  ) {
    this.#time = time;
    this.name = about.name;
    this.number = about.number;
    this.code = about.code ?? 'this';
    this.beganMs = time.nowMs();
    this.event = about.event;
    this.deadlineMs = this.beganMs + about.timeoutMs;
    this.#died = died;
  }

  /** Does something later, if it still lives by then, and is not frozen. */
  after(ms: number, run: () => void): void {
    const atMs = this.#time.nowMs() + ms;
    if (atMs > this.deadlineMs) {
      this.#time.after(this.deadlineMs - this.#time.nowMs(), () => {
        // A freeze moves the deadline: the service counts what the sandbox has run.
        if (this.#time.nowMs() >= this.deadlineMs) this.die('timeout');
        else this.after(atMs - this.#time.nowMs(), run);
      });
      return;
    }
    this.#time.after(ms, () => {
      if (this.hasEnded) return;
      const frozenMs = this.frozenUntilMs - this.#time.nowMs();
      if (frozenMs > 0) this.after(frozenMs, run);
      else run();
    });
  }

  get isFrozen(): boolean {
    return this.frozenUntilMs > this.#time.nowMs();
  }

  /** A call that has left the sandbox arrives, whether or not that freezes meanwhile. */
  leaves(ms: number, arrive: () => void): void {
    if (this.#time.nowMs() + ms > this.deadlineMs) {
      this.after(ms, arrive);
      return;
    }
    this.#time.after(ms, () => {
      if (!this.hasEnded) arrive();
    });
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  freeze(ms: number): void {
    this.frozenUntilMs = this.#time.nowMs() + ms;
    this.deadlineMs += ms;
  }

  /** It is gone: whatever it would have done next does not happen. */
  die(because: 'crash' | 'timeout'): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#died(because);
  }
}
