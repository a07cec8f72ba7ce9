/** What every strongly consistent read gives. */
export interface Read<T> {
  readonly value: T;
  /** From the answer's Date header, whole seconds; absent when the answer had none. */
  readonly serverTimeMs?: number;
}
