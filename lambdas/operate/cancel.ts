/** Cancelling a parked request: by its owner or an operator, and only before its delivery began. */
import { json, problem, type Answer } from '../../core/answer.ts';
import { requestView } from '../../core/view.ts';
import { endRequest } from '../deliver/end.ts';
import { readValue, type ApiCall } from '../runtime/api-call.ts';
import { ulid } from '../schemas/api.ts';
import type { OperatePorts } from './subject.ts';

export async function cancelRequest(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const requestId = readValue(call.params['requestId'], ulid, 'requestId');
  const request = await ports.ledger.read(requestId);
  const isOperator = call.caller.roleName !== undefined && ports.operatorRoles.includes(call.caller.roleName);
  const mayCancel = request && (request.caller === call.caller.principal || isOperator);
  if (!mayCancel || request.state === 'accepting')
    return problem('unknown-request', 'There is no such request.');
  if (request.state === 'parked') {
    const finished = await endRequest(ports, request, { state: 'cancelled', onlyFrom: 'parked' });
    const ended = finished === 'finished' ? await ports.ledger.read(requestId) : undefined;
    if (ended) return json(200, requestView(ended));
  }
  return problem('conflict', 'The request is being delivered, or has ended.', { state: request.state });
}
