/** A promise of the code to itself was broken: a bug, never an input's fault. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Closes a `switch` over a union: a new member that is not handled is a compile error here. */
export function assertNever(value: never): never {
  throw new InvariantViolation(`Unhandled case: ${JSON.stringify(value)}`);
}
