/** What must have come about when nothing has gone wrong for long enough: V1 to V11. */
import { isFinalState } from '../../../core/parking.ts';
import type { Workspace } from '../../../core/workspace.ts';
import type { Machine } from '../machine.ts';
import type { Member } from '../truth.ts';
import { requestIn, fleetIn, workspaceIn, type Witness } from './witness.ts';

export interface Unfinished {
  readonly invariant: string;
  readonly what: string;
}

/** Everything that is still to be done. */
export function unfinished(witness: Witness): Unfinished[] {
  const { truth } = witness;
  const left: Unfinished[] = [];
  for (const { requestId, expiresAtMs } of truth.promised.values()) {
    const row = requestIn(witness.stored(`REQ#${requestId}`, 'REQUEST'));
    if (!row && truth.forgotten.has(requestId)) continue;
    if (!row) left.push({ invariant: 'V1', what: `${requestId} was promised, and is nowhere` });
    else if (!isFinalState(row.state))
      left.push({
        invariant: 'V1',
        what: `${requestId} is ${row.state}, expires ${expiresAtMs - witness.nowMs()} ms from now`,
      });
  }
  for (const member of truth.members) left.push(...ofMember(witness, member));
  const fleet = fleetIn(witness.stored('FLEET', 'BRAKE'));
  if (fleet?.brake === 'open')
    left.push({ invariant: 'V9', what: `the brake is open: ${fleet.brakeBecause ?? ''}` });
  for (const token of Object.keys(fleet?.admitted ?? {})) {
    left.push({ invariant: 'V2', what: `the slot of ${token} is not given back` });
  }
  return left;
}

function ofMember(witness: Witness, member: Member): Unfinished[] {
  const { workspaceId, machine } = member;
  const workspace = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'));
  if (!workspace) return [];
  const left: Unfinished[] = [];
  const { claim, evidence } = workspace;
  if (claim && claim.step !== 'awaiting-approval')
    left.push({
      invariant: 'V2',
      what: `${workspaceId} has an open claim: ${claim.step} ${claim.waitsFor ?? ''}`,
    });
  if (evidence) left.push({ invariant: 'V5', what: `${workspaceId} has evidence without a verdict` });
  if (isUnheard(machine, workspace))
    left.push({ invariant: 'V5', what: `${workspaceId} lives as ${machine.bootId}, and is not heard` });
  // Somebody must ask: a caller who comes again, or a request that waits. When none does, nobody can know.
  const parked = witness.stored(`WS#${workspaceId}`, 'PARKED');
  if (!witness.callersStay && Number(parked?.['count'] ?? 0) === 0) return left;
  if (isOwedHelp(witness, member))
    left.push({ invariant: 'V3', what: `${workspaceId} is ${machine.instance}, its agent ${machine.agent}` });
  return left;
}

/** It is dead so that Defib can know it, is wanted, and nobody has given it up. */
export function isOwedHelp(witness: Witness, { workspaceId, machine, isRemoved }: Member): boolean {
  // Somebody wants it removed, and nobody calls it any more.
  if (isRemoved) return false;
  const workspace = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'));
  if (!workspace || workspace.quarantine || workspace.gone || workspace.withheld) return false;
  const isWanted =
    workspace.desired === 'running' && !workspace.pause && workspace.settings?.mode === undefined;
  const isWatched = witness.policy.mode === 'enforce' && workspace.instanceId === machine.instanceId;
  return isWanted && isWatched && isDead(witness, machine, workspaceId);
}

/** Its agent beats as the boot that it is, and another one is on record. */
function isUnheard({ agent, instance, instanceId, bootId }: Machine, workspace: Workspace): boolean {
  if (workspace.instanceId !== instanceId || instance !== 'running' || agent !== 'up') return false;
  return workspace.heartbeat?.bootId !== bootId;
}

/** Dead, and so that Defib can know it. */
function isDead(witness: Witness, { agent, instance, bootId }: Machine, workspaceId: string): boolean {
  if (instance === 'stopped' || instance === 'stopping') return !mayStayStopped(witness, workspaceId);
  if (instance !== 'running' || agent === 'up' || agent === 'starved') return false;
  const heartbeat = workspaceIn(witness.stored(`WS#${workspaceId}`, 'STATE'))?.heartbeat;
  // The silence of an agent that never said how often it beats says nothing, nor does that of one which never beat.
  if (agent === 'gone')
    return isFindable(witness) && heartbeat?.declaresInterval === true && heartbeat.bootId === bootId;
  return agent === 'booting';
}

/** Whether the policy lets silence count at all. */
function isFindable({ policy }: Witness): boolean {
  return policy.silentAfterMs < 3_600_000;
}

/** Somebody has stopped it by the console, and Defib respects that. */
function mayStayStopped({ policy }: Witness, _workspaceId: string): boolean {
  return policy.respectManualStop;
}
