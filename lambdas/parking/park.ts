/**
 * Parking a request. A 202 is a promise, so the order is fixed (S19):
 *
 *   1 one transaction: receipt, first answer, row `accepting`, counters
 *   2 SendMessage, deduplicated by requestId#enqueueNo
 *   3 `accepting` -> `parked`
 *   4 202
 *
 * A crash after 1 or 2 leaves a row that nobody was promised: a repeat of the call resumes it, or the sweep ends it.
 * A crash after 3 leaves a request that will be delivered, though its caller may not know.
 */
import { problem, retryAfterSeconds, type Answer } from '../../core/answer.ts';
import { keptHeaders } from '../../core/headers.ts';
import { MESSAGE_VERSION, type ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Clock } from '../ports/clock.ts';
import type { Events } from '../ports/events.ts';
import type { Ledger, Acceptance } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Queues } from '../ports/queues.ts';
import type { ParkedRequestBody } from '../schemas/api.ts';

export interface ParkPorts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly events: Events;
  readonly log: Log;
}

export type Parking =
  | { readonly kind: 'parked' }
  /** Another call with the same idempotency key was faster. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly answer: Answer };

export async function park(
  ports: ParkPorts,
  acceptance: Acceptance,
  message: ParkedMessage,
): Promise<Parking> {
  const { workspaceId, requestId } = message;
  try {
    const accepted = await ports.ledger.accept(acceptance);
    if (accepted === 'repeated') return { kind: 'repeated' };
    if (accepted === 'full') {
      ports.log.count('ParkedFull');
      return {
        kind: 'refused',
        answer: problem('parked-full', 'As many requests are parked for this workspace as it may have.', {
          retryAfterSeconds: retryAfterSeconds.parkedFull,
        }),
      };
    }
    return await enqueue(ports, acceptance.request, message);
  } catch (error) {
    return { kind: 'refused', answer: parkingFailed(ports.log, { workspaceId, requestId }, error) };
  }
}

/** Steps 2 and 3; also what a repeat of the call does when the first try stopped before them. */
export async function enqueue(
  ports: ParkPorts,
  request: ParkedRequest,
  message: ParkedMessage,
): Promise<Parking> {
  const { workspaceId, requestId } = message;
  try {
    const sequence = await ports.queues.sendParked(message);
    const parked = await ports.ledger.markParked(request, ports.clock.nowMs(), sequence);
    if (!parked) throw new Error('the row ended before it was parked');
  } catch (error) {
    return { kind: 'refused', answer: parkingFailed(ports.log, { workspaceId, requestId }, error) };
  }
  await ports.events.publish('request.parked', { workspaceId, requestId });
  return { kind: 'parked' };
}

/** The request as it is put into the queue: the same bytes and the same key on each attempt (S22). */
export function parkedMessageOf(request: ParkedRequest, body: ParkedRequestBody): ParkedMessage {
  const headers = keptHeaders(body.headers ?? {});
  return {
    v: MESSAGE_VERSION,
    kind: 'parked',
    workspaceId: request.workspaceId,
    requestId: request.requestId,
    enqueueNo: request.enqueueNo,
    idempotencyKey: headers['idempotency-key'] ?? body.id ?? request.requestId,
    method: body.method,
    path: body.path,
    headers,
    body: body.body ?? '',
  };
}

/** Never a false 202: what could not be made durable is said so, and counted for an alarm. */
function parkingFailed(log: Log, ids: { workspaceId: string; requestId: string }, error: unknown): Answer {
  log.error('parking failed', ids, error);
  log.count('ParkingFailed');
  return problem('parking-failed', 'The request could not be kept. Nothing was promised; try again.', {
    retryAfterSeconds: retryAfterSeconds.parkingFailed,
  });
}
