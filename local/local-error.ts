/** A failure that the person at the keyboard can mend: it is shown as one line, never with a stack trace. */
export class LocalError extends Error {
  override readonly name = 'LocalError';
}

/** The first line of whatever was thrown, without its full stop, to be put into a one-line error. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n', 1)[0] ?? '').trim().replace(/\.$/, '');
}
