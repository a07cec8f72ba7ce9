/** Makes the head of a workspace's queue visible at once. Only a hint: when it fails, the head comes by itself. */
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Queues } from '../ports/queues.ts';

export interface WakePorts {
  readonly ledger: Pick<Ledger, 'headOf'>;
  readonly queues: Pick<Queues, 'setParkedVisibility'>;
  readonly log: Log;
}

/** Wakes the head, but never before its own time. */
export async function wake(ports: WakePorts, workspaceId: string, nowMs: number): Promise<void> {
  try {
    const head = await ports.ledger.headOf(workspaceId);
    if (!head || nowMs < head.notBeforeMs) return;
    await ports.queues.setParkedVisibility(head.receiptHandle, 0);
  } catch (error) {
    ports.log.info('wake had no effect', {
      workspaceId,
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}
