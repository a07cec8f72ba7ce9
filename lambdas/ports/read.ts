/** A strongly consistent read, with the database's own time for a second opinion on the clock. */
export interface Read<T> {
  readonly value: T;
  /** From the answer's Date header, whole seconds; absent when the answer had none. */
  readonly serverTimeMs?: number;
}
