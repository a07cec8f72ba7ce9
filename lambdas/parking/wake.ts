/** Makes the head of a workspace's queue visible at once. Only a hint: when it fails, the head comes by itself. */
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Queues } from '../ports/queues.ts';

export interface WakePorts {
  readonly ledger: Pick<Ledger, 'headOf'>;
  readonly queues: Pick<Queues, 'setParkedVisibility'>;
  readonly log: Log;
}

export interface WakeHeldPorts extends WakePorts {
  readonly ledger: Pick<Ledger, 'headOf' | 'read'>;
}

/** Wakes the head, but never before its own time. */
export async function wake(ports: WakePorts, workspaceId: string, nowMs: number): Promise<void> {
  await hint(ports, workspaceId, async () => {
    const head = await ports.ledger.headOf(workspaceId);
    if (!head || nowMs < head.notBeforeMs) return 'left';
    return ports.queues.setParkedVisibility(head.receiptHandle, 0);
  });
}

/**
 * Wakes the head only where it waits for this very verdict. Any other head would learn nothing new, and steady callers of
 * a workspace that can be given nothing would have it received until the queue throws it away.
 */
export async function wakeHeld(ports: WakeHeldPorts, workspaceId: string, verdictId: string): Promise<void> {
  await hint(ports, workspaceId, async () => {
    const head = await ports.ledger.headOf(workspaceId);
    const row = head && (await ports.ledger.read(head.requestId));
    if (!head || row?.heldBy !== verdictId) return 'left';
    return ports.queues.setParkedVisibility(head.receiptHandle, 0);
  });
}

async function hint(
  { log }: WakePorts,
  workspaceId: string,
  work: () => Promise<'set' | 'gone' | 'left'>,
): Promise<void> {
  try {
    if ((await work()) === 'gone') log.info('wake came too late', { workspaceId });
  } catch (error) {
    log.info('wake had no effect', {
      workspaceId,
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}
