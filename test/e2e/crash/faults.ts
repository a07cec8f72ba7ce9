/** One fault in a run, at one of its writes: the function dies there, or the write fails, or only its answer does. */

export type FaultKind = 'crash before' | 'crash after' | 'failed' | 'done, but said to have failed';

export interface Fault {
  /** At which of the run's writes, from 1. */
  readonly at: number;
  readonly kind: FaultKind;
}

/** One write of a run. */
export interface Write {
  readonly name: string;
  /** Whether to die before it is not the same as to die after the write before: it is the first, or the agent has acted. */
  readonly isNewStart: boolean;
}

/** The last thing of an invocation, which nothing can follow: what it says to its caller or queue. */
export const ANSWER = 'Answer';

/** The faults that differ from each other at a write: to die before it is to die after the one before. */
export function kindsAt({ name, isNewStart }: Write): readonly FaultKind[] {
  if (name === ANSWER) return ['crash after'];
  return [
    ...(isNewStart ? (['crash before'] as const) : []),
    'crash after',
    'failed',
    'done, but said to have failed',
  ];
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
  /** Since it began, or since the agent has acted. */
  hasWritten = false;

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
  readonly all: Write[] = [];
  readonly #fault: Fault | undefined;
  /** Writes before a flow's own part are not counted. */
  counting = true;
  faultHappened = false;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  async run<T>(life: Life, name: string, write: () => Promise<T> | T): Promise<T> {
    life.check();
    const kind = this.#faultOf({ name, isNewStart: !life.hasWritten });
    life.hasWritten ||= name !== ANSWER;
    if (kind === 'crash before') life.end();
    if (kind === 'failed') throw new WriteFailedError(name);
    const written = Promise.resolve().then(write);
    if (kind === undefined) {
      const result = await written;
      life.check();
      return result;
    }
    // Whether it was done or refused, its answer is lost: that is the fault.
    await written.catch(() => {});
    if (kind === 'crash after') life.end();
    throw new WriteFailedError(`${name}, but it was done`);
  }

  #faultOf(write: Write): FaultKind | undefined {
    if (!this.counting) return undefined;
    const number = this.all.push(write);
    if (this.#fault?.at !== number) return undefined;
    this.faultHappened = true;
    return this.#fault.kind;
  }
}
