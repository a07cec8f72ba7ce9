/** One fault in a run, at one of its writes: the function dies there, or the write fails, or only its answer does. */

export const faultKinds = ['crash before', 'crash after', 'failed', 'done, but said to have failed'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  /** At which of the run's writes, from 1. */
  readonly at: number;
  readonly kind: FaultKind;
}

/** The function is gone: whatever it would have done next does not happen. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

/** What a write throws that failed, or whose answer was lost. */
export class WriteFailedError extends Error {
  override readonly name = 'WriteFailedError';
}

/** One invocation of one function. */
export class Life {
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  end(): never {
    this.#ended = true;
    throw new CrashError('the function has died');
  }

  /** Nothing more comes of an invocation that has died. */
  check(): void {
    if (this.#ended) this.end();
  }
}

/** Every write of a run, counted, with the one fault among them. */
export class Writes {
  readonly names: string[] = [];
  readonly #fault: Fault | undefined;
  /** Writes before a flow's own part are not counted. */
  counting = true;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  async run<T>(life: Life, name: string, write: () => Promise<T> | T): Promise<T> {
    life.check();
    const kind = this.#faultOf(name);
    if (kind === 'crash before') life.end();
    if (kind === 'failed') throw new WriteFailedError(name);
    const written = Promise.resolve().then(write);
    if (kind === undefined) {
      const result = await written;
      life.check();
      return result;
    }
    await written.catch(() => {});
    if (kind === 'crash after') life.end();
    throw new WriteFailedError(`${name}, but it was done`);
  }

  #faultOf(name: string): FaultKind | undefined {
    if (!this.counting) return undefined;
    const number = this.names.push(name);
    return this.#fault?.at === number ? this.#fault.kind : undefined;
  }
}
