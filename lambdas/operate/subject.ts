/** What every operator's call needs: the ports, and the workspace that the call is about. */
import { json, problem, type Answer } from '../../core/answer.ts';
import type { PolicySettings } from '../../core/policy.ts';
import { workspaceView } from '../../core/view.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { WakePorts } from '../parking/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Probe } from '../ports/ec2.ts';
import type { Events } from '../ports/events.ts';
import type { BrakeStore } from '../ports/fleet.ts';
import type { Ids } from '../ports/ids.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Queues } from '../ports/queues.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { Registry } from '../ports/registry.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { readValue, type ApiCall } from '../runtime/api-call.ts';
import { workspaceId as workspaceIdSchema } from '../schemas/api.ts';

/** The call must be answered before the gateway and the function give up, whatever is left by then. */
export const WORK_AT_MOST_MS = 8000;

export interface OperatePorts extends WakePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly registry: Registry;
  readonly receipts: ReceiptStore;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly brake: BrakeStore;
  readonly ec2: Ec2Probe;
  readonly events: Events;
  readonly settings: PolicySettings;
  /** Only instances with this tag belong to the fleet. */
  readonly workspaceTag: { readonly Key: string; readonly Value: string };
  readonly operatorRoles: readonly string[];
}

export function workspaceIdOf(call: ApiCall): string {
  return readValue(call.params['workspaceId'], workspaceIdSchema, 'workspaceId');
}

/** The workspace of a call, or the answer that says why there is none. */
export async function findWorkspace(ports: OperatePorts, workspaceId: string): Promise<Workspace | Answer> {
  const { value: workspace } = await ports.workspaces.read(workspaceId);
  if (workspace === 'malformed') throw new Error('the workspace cannot be read by this version');
  if (workspace === 'absent')
    return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  return workspace;
}

export function isAnswer(found: Workspace | Answer): found is Answer {
  return 'status' in found;
}

/** The workspace as it is after a change. */
export async function showWorkspace(
  ports: OperatePorts,
  call: ApiCall,
  workspaceId: string,
  status = 200,
): Promise<Answer> {
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  const parked = await ports.ledger.parkedCount(workspaceId);
  return json(status, workspaceView(found, ports.settings, call.now, { parked }));
}

export function changedMeanwhile(): Answer {
  return problem('conflict', 'The workspace changed at the same moment. Read it and try again.');
}
