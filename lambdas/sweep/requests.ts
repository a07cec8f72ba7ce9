/** Requests whose time has come: never accepted, expired, or ended without anybody having been told. */
import { isFinalState, requestStates } from '../../core/parking.ts';
import { tellAgainAtMs } from '../../core/untold.ts';
import { announceEnd, endRequest, type EndPorts } from '../deliver/end.ts';

export async function sweepRequest(ports: EndPorts, requestId: string, nowMs: number): Promise<void> {
  const request = await ports.ledger.read(requestId);
  if (!request) return;
  const { state } = request;
  if (!requestStates.includes(state)) throw new Error('the request cannot be read');
  if (isFinalState(state)) {
    const isTold = await announceEnd(ports, request, { ...request, state });
    const endedAtMs = request.finishedAtMs ?? nowMs;
    if (!isTold) await ports.ledger.noticeLater(requestId, tellAgainAtMs(endedAtMs, nowMs));
    return;
  }
  if (state === 'accepting') {
    await endRequest(ports, request, { state: 'refused', why: 'never-accepted', onlyFrom: 'accepting' });
    return;
  }
  if (nowMs < request.expiresAtMs) return;
  // An attempt that began in time may finish; only one that nobody is at any more is ended under it.
  if (state === 'delivering' && nowMs < (request.leaseUntilMs ?? 0)) return;
  await endRequest(ports, request, {
    state: 'expired',
    why: 'expired',
    onlyFrom: state,
    onlyAttempt: request.attempts,
  });
}
