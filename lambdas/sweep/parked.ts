/**
 * What is parked for one workspace, looked at every minute or two: a request whose message vanished is ended as a dead
 * letter and counted for an alarm, and a workspace whose messages nobody has received for long is counted, too.
 */
import { isOrphaned, isOvertaken, isSilent } from '../../core/lost-message.ts';
import { isFinalState } from '../../core/parking.ts';
import { endRequest, type EndPorts } from '../deliver/end.ts';
import type { DueWork } from '../ports/due-work.ts';
import type { Queues } from '../ports/queues.ts';

export interface SweepParkedPorts extends EndPorts {
  readonly due: Pick<DueWork, 'postponeParked'>;
  readonly queues: Pick<Queues, 'parkedDepth'>;
}

const LOOK_AGAIN_AFTER_MS = 60_000;
/** The oldest of a workspace's requests: what is behind them is found when these have ended. */
const ROWS_PER_LOOK = 25;

export async function sweepParked(
  ports: SweepParkedPorts,
  workspaceId: string,
  nowMs: number,
): Promise<void> {
  const [totals, { requests }] = await Promise.all([
    ports.ledger.parkedFor(workspaceId),
    ports.ledger.listRequests(workspaceId, { limit: ROWS_PER_LOOK, ended: false }),
  ]);
  const { drain } = totals;
  const waiting = requests.filter(({ state }) => !isFinalState(state) && state !== 'accepting');
  const [oldest] = waiting;
  const silent = oldest !== undefined && isSilent(oldest, drain, nowMs);
  const emptySinceMs = silent ? await emptySince(ports, totals.emptySinceMs, nowMs) : undefined;
  if (silent) {
    ports.log.warn('parked requests are not received', { workspaceId, waiting: waiting.length });
    ports.log.count('ParkedSilent');
  }
  for (const request of waiting) {
    if (!isOvertaken(request, drain, nowMs) && !isOrphaned(request, emptySinceMs, nowMs)) continue;
    const ended = await endRequest(ports, request, {
      state: 'dead-lettered',
      why: 'body-lost',
      onlyFrom: request.state === 'delivering' ? 'delivering' : 'parked',
      onlyAttempt: request.attempts,
    });
    if (ended === 'finished') ports.log.count('BodyLost');
  }
  await ports.due.postponeParked(workspaceId, { dueAtMs: nowMs + LOOK_AGAIN_AFTER_MS, emptySinceMs });
}

/** Since when the queue holds nothing, or undefined while it holds something or does not say. */
async function emptySince(
  ports: SweepParkedPorts,
  beforeMs: number | undefined,
  nowMs: number,
): Promise<number | undefined> {
  return (await ports.queues.parkedDepth()) === 0 ? (beforeMs ?? nowMs) : undefined;
}
