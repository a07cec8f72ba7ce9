/** Runs a use case once a message; one that fails is seen again, and the others are not touched by it (S26). */
import type { Log } from '../ports/log.ts';
import type { Received, Settled } from '../ports/queues.ts';

const FIRST_RETRY_SECONDS = 5;
const LONGEST_RETRY_SECONDS = 60;

/** How long a message that failed waits until it is tried again: longer each time. */
export function retrySeconds(receives: number): number {
  return Math.min(FIRST_RETRY_SECONDS * 2 ** Math.min(receives - 1, 10), LONGEST_RETRY_SECONDS);
}

export async function eachMessage<T>(
  messages: readonly Received<T>[],
  log: Log,
  settle: (message: Received<T>) => Promise<Settled>,
): Promise<ReadonlyMap<string, Settled>> {
  const settled = new Map<string, Settled>();
  await Promise.all(
    messages.map(async (message) => {
      try {
        settled.set(message.id, await settle(message));
      } catch (error) {
        log.error('message failed', { messageId: message.id, receives: message.receives }, error);
        log.count('MessageFailed');
      }
    }),
  );
  return settled;
}
