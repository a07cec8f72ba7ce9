/**
 * Hands the head of each workspace's queue on to deliver.
 *
 * Lambda lets a queue hide a message for no less time than its function may run, and deliver runs as long as an agent's
 * turn. This function ends at once, so the parked queue hides a message for 90 s only: whatever dies, here or in deliver,
 * the message is seen again after that, and not after a quarter of an hour.
 */
import { MESSAGE_VERSION, type ParkedMessage } from '../../core/messages.ts';
import type { Log } from '../ports/log.ts';
import type { Queues, Received, Settled } from '../ports/queues.ts';

export interface ReceivePorts {
  readonly queues: Pick<Queues, 'sendDelivery'>;
  readonly log: Log;
}

/** Every message is left hidden, also one that could not be handed on: that it failed may be the answer's loss alone. */
export async function handleReceived(
  messages: readonly Received<ParkedMessage>[],
  { queues, log }: ReceivePorts,
): Promise<ReadonlyMap<string, Settled>> {
  await Promise.all(
    messages.map(async ({ body: parked, ...handle }) => {
      try {
        await queues.sendDelivery({ v: MESSAGE_VERSION, kind: 'delivery', handle, parked });
      } catch (error) {
        log.error('message not handed on', { messageId: handle.id, receives: handle.receives }, error);
        log.count('MessageFailed');
      }
    }),
  );
  return new Map(messages.map(({ id }) => [id, { kind: 'left' }]));
}
