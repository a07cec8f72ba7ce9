/**
 * Gives a request up: its bytes are kept first, so that an operator can have it sent again. Only in the attempt that was
 * read, not under the hands of another copy (S24).
 */
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Finish } from '../ports/ledger.ts';
import { endRequest, type DeliverPorts, type RequestEnd } from './end.ts';

export async function deadLetter(
  ports: DeliverPorts,
  request: ParkedRequest,
  message: ParkedMessage,
  end: Omit<RequestEnd, 'state' | 'onlyAttempt'>,
): Promise<Finish> {
  await ports.deadLetters.keep(message, ports.clock.nowMs());
  return endRequest(ports, request, { ...end, state: 'dead-lettered', onlyAttempt: request.attempts });
}
