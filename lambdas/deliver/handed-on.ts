/** Settles in the parked queue what the receive function handed on. The hand-over itself is done with after one look. */
import type { DeliveryMessage } from '../../core/messages.ts';
import { DELIVERY_LEASE_MS } from '../../core/parking.ts';
import type { Received, Settled } from '../ports/queues.ts';
import { retrySeconds } from '../runtime/each-message.ts';
import type { DeliverPorts } from './end.ts';
import { handleDeliveries } from './handle.ts';

/**
 * A hand-over is never tried again: whatever happens to it, the parked message comes back, and is handed on anew. It is
 * deleted as the last act, after the ledger has the outcome (S25); where that fails it comes back to a row that has ended.
 */
export async function handleHandedOn(
  deliveries: readonly Received<DeliveryMessage>[],
  ports: DeliverPorts,
): Promise<ReadonlyMap<string, Settled>> {
  await Promise.all(deliveries.map((delivery) => settle(ports, delivery)));
  return new Map(deliveries.map(({ id }) => [id, { kind: 'done' }]));
}

async function settle(ports: DeliverPorts, delivery: Received<DeliveryMessage>): Promise<void> {
  const { handle, parked } = delivery.body;
  if (isTooLate(delivery)) {
    ports.log.info('handed on too late', { workspaceId: parked.workspaceId, requestId: parked.requestId });
    ports.log.count('DeliveryTooLate');
    return;
  }
  const { sequence, ...rest } = handle;
  const received = { ...rest, ...(sequence !== undefined && { sequence }), body: parked };
  const outcome = (await handleDeliveries([received], ports)).get(handle.id) ?? {
    kind: 'again',
    afterSeconds: retrySeconds(handle.receives),
  };
  try {
    if (outcome.kind === 'done') await ports.queues.deleteParked(handle.receiptHandle);
    if (outcome.kind === 'again')
      await ports.queues.setParkedVisibility(handle.receiptHandle, outcome.afterSeconds);
  } catch (error) {
    ports.log.warn('parked message not settled', {
      requestId: parked.requestId,
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}

/** By SQS's own clock alone: it waited for a hand so long that the parked message is seen again, by another handle. */
function isTooLate({ sentAtMs, firstReceivedAtMs }: Received<DeliveryMessage>): boolean {
  return firstReceivedAtMs - sentAtMs >= DELIVERY_LEASE_MS;
}
