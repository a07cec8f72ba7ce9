/**
 * A running handler that stops before each write of the workspace's row and each call of EC2, until it is let on. So a
 * trace decides in which order the effects of several handlers happen; the handlers themselves know nothing of it.
 */
export class Hand {
  /** The port call that it is about to make. */
  todo = 'none';
  #letOn: ((answer: 'ok' | 'lost') => void) | undefined;
  #stopped: (() => void) | undefined;
  /** Rises with each invocation: what an ended one still does has no effect. */
  #invocation = 0;

  /** Runs until the first gate, or the end. */
  begin(work: () => Promise<unknown>): Promise<void> {
    const own = ++this.#invocation;
    return this.#untilItStops(() => {
      const end = () => {
        if (own === this.#invocation) this.#rests();
      };
      work().then(end, end);
    });
  }

  /** Makes the effect that it waits for, and runs until the next one. */
  goOn(answer: 'ok' | 'lost'): Promise<void> {
    return this.#untilItStops(() => this.#letOn?.(answer));
  }

  /** The process has ended: it will never go on. */
  crash(): void {
    this.#invocation++;
    this.#letOn = undefined;
    this.todo = 'none';
  }

  /** Waits here until the trace lets this effect happen. */
  gate(): Promise<'ok' | 'lost'> {
    const passed = new Promise<'ok' | 'lost'>((resolve) => (this.#letOn = resolve));
    this.#stopped?.();
    return passed;
  }

  /** Ports whose calls say their name, so that a gate knows what it stops. */
  named<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          this.todo = String(name);
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
  }

  #untilItStops(move: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped = resolve;
      move();
    });
  }

  #rests(): void {
    this.todo = 'none';
    this.#letOn = undefined;
    this.#stopped?.();
  }
}
