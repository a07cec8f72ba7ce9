/** Runs a use case once a message; one that fails is seen again, and the others are not touched by it (S26). */
import type { Log } from '../ports/log.ts';
import type { Received, Settled } from '../ports/queues.ts';

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
