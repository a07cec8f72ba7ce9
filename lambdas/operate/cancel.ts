/** Cancelling a parked request: by its owner or an operator, and only before its delivery began. */
import { json, problem, type Answer } from '../../core/answer.ts';
import type { ParkedRequest } from '../../core/parking.ts';
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
  if (request.state !== 'parked') return tooLate(request);
  await endRequest(ports, request, { state: 'cancelled', onlyFrom: 'parked' });
  // As it is now: by this call, by its twin, or by whoever was faster.
  const now = (await ports.ledger.read(requestId)) ?? request;
  return now.state === 'cancelled' ? json(200, requestView(now)) : tooLate(now);
}

function tooLate({ state }: ParkedRequest): Answer {
  return problem('conflict', 'The request is being delivered, or has ended.', { state });
}
