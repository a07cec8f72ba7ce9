/** What operators do: register, remove, announce a change, pause, order a restart, cancel a request, mind the brake. */
import { problem, type Answer } from '../../core/answer.ts';
import type { ApiCall } from '../runtime/api-call.ts';
import { approveRestart, releaseQuarantine } from './approve.ts';
import { cancelRequest } from './cancel.ts';
import { pauseFleet, releaseBrake, resumeFleet } from './fleet.ts';
import { pauseWorkspace, resumeWorkspace } from './pause.ts';
import { redriveDeadLetters, type RedrivePorts } from './redrive.ts';
import { registerWorkspace, removeWorkspace } from './register.ts';
import { orderRestart } from './restart.ts';
import { announceChange } from './settle.ts';

export function handleOperate(call: ApiCall, ports: RedrivePorts): Promise<Answer> | Answer {
  switch (call.route) {
    case 'PUT /workspaces/{workspaceId}':
      return registerWorkspace(call, ports);
    case 'DELETE /workspaces/{workspaceId}':
      return removeWorkspace(call, ports);
    case 'POST /workspaces/{workspaceId}/settle':
      return announceChange(call, ports);
    case 'POST /workspaces/{workspaceId}/restart':
      return orderRestart(call, ports);
    case 'POST /workspaces/{workspaceId}/restart/approve':
      return approveRestart(call, ports);
    case 'POST /workspaces/{workspaceId}/quarantine/release':
      return releaseQuarantine(call, ports);
    case 'PUT /workspaces/{workspaceId}/pause':
      return pauseWorkspace(call, ports);
    case 'DELETE /workspaces/{workspaceId}/pause':
      return resumeWorkspace(call, ports);
    case 'DELETE /requests/{requestId}':
      return cancelRequest(call, ports);
    case 'POST /dead-letters/redrive':
      return redriveDeadLetters(call, ports);
    case 'PUT /fleet/pause':
      return pauseFleet(call, ports);
    case 'DELETE /fleet/pause':
      return resumeFleet(ports);
    case 'POST /fleet/brake/release':
      return releaseBrake(call, ports);
    default:
      return problem('no-route', 'There is no such route, or not with this method.');
  }
}
