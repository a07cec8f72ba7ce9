/** Gives a request up: its bytes are kept first, so that an operator can have it sent again. */
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { endRequest, type DeliverPorts, type RequestEnd } from './end.ts';

export async function deadLetter(
  ports: DeliverPorts,
  request: ParkedRequest,
  message: ParkedMessage,
  end: Omit<RequestEnd, 'state'>,
): Promise<void> {
  await ports.deadLetters.keep(message, ports.clock.nowMs());
  await endRequest(ports, request, { ...end, state: 'dead-lettered' });
}
