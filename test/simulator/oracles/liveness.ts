/** What must have come about when nothing has gone wrong for long enough: V1 to V11. */
import { isFinalState, type ParkedRequest } from '../../../core/parking.ts';
import type { Machine } from '../machine.ts';
import type { Member } from '../truth.ts';
import { fleetIn, workspaceIn, type Witness } from './witness.ts';

export interface Unfinished {
  readonly invariant: string;
  readonly what: string;
}

/** The sweep comes once a minute, and what it finds takes a moment. */
const SWEEP_MS = 130_000;

/** Everything that is still to be done. */
export function unfinished(witness: Witness): Unfinished[] {
  const { truth } = witness;
  const left: Unfinished[] = [];
  for (const { requestId, expiresAtMs } of truth.promised.values()) {
    const row = witness.stored(`REQ#${requestId}`, 'REQUEST') as unknown as ParkedRequest | undefined;
    if (!row) left.push({ invariant: 'V1', what: `${requestId} was promised, and is nowhere` });
    else if (!isFinalState(row.state))
      left.push({ invariant: 'V1', what: `${requestId} is ${row.state}, expires ${expiresAtMs - witness.nowMs()} ms from now` });
  }
  for (const member of truth.members) left.push(...ofMember(witness, member));
  const fleet = fleetIn(witness.stored('FLEET', 'BRAKE'));
  if (fleet?.brake === 'open') left.push({ invariant: 'V9', what: `the brake is open: ${fleet.brakeBecause ?? ''}` });
  for (const token of Object.keys(fleet?.admitted ?? {})) {
    left.push({ invariant: 'V2', what: `the slot of ${token} is not given back` });
  }
  return left;
}

function ofMember(witness: Witness, { workspaceId, machine }: Member): Unfinished[] {
  const workspace = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'));
  if (!workspace) return [];
  const left: Unfinished[] = [];
  const { claim, evidence } = workspace;
  if (claim && claim.step !== 'awaiting-approval')
    left.push({ invariant: 'V2', what: `${workspaceId} has an open claim: ${claim.step} ${claim.waitsFor ?? ''}` });
  if (evidence) left.push({ invariant: 'V5', what: `${workspaceId} has evidence without a verdict` });
  const parked = witness.stored(`WS#${workspaceId}`, 'PARKED');
  if (Number(parked?.['count'] ?? 0) < 0) left.push({ invariant: 'V1', what: 'fewer than no requests are counted' });
  const isHelped = !workspace.quarantine && !workspace.gone && !workspace.withheld;
  const isWanted = workspace.desired === 'running' && !workspace.pause && workspace.settings?.mode === undefined;
  const isWatched = witness.policy.mode === 'enforce' && workspace.instanceId === machine.instanceId;
  if (isHelped && isWanted && isWatched && isDead(witness, machine, workspaceId))
    left.push({ invariant: 'V3', what: `${workspaceId} is ${machine.instance}, its agent ${machine.agent}` });
  return left;
}

/** Dead, and so that Defib can know it. */
function isDead(witness: Witness, { agent, instance, beats }: Machine, workspaceId: string): boolean {
  if (instance === 'stopped' || instance === 'stopping') return !mayStayStopped(witness, workspaceId);
  if (instance !== 'running' || agent === 'up' || agent === 'starved') return false;
  // The silence of an agent that never said how often it beats says nothing.
  const heartbeat = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'))?.heartbeat;
  if (agent === 'gone') return witness.policy.silentAfterMs < SWEEP_MS * 10 && beats.declares && heartbeat?.declaresInterval === true;
  return agent === 'booting';
}

/** Somebody has stopped it by the console, and Defib respects that. */
function mayStayStopped({ policy }: Witness, _workspaceId: string): boolean {
  return policy.respectManualStop;
}
