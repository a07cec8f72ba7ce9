/** Which beats count: of the workspace's own instance, of no boot that is condemned or over, and of a new one in time. */
import type { Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import { workspaceIn, type Witness } from './witness.ts';

export function beatCounts(
  witness: Witness,
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const before = workspaceIn(beforeItem);
  const after = workspaceIn(afterItem);
  if (!before || !after || before.instanceId !== after.instanceId) return;
  if (before.claim && !after.claim) livingIsHeard(witness, after);
  const { heartbeat: last, claim } = before;
  const beat = after.heartbeat;
  if (!beat || (last?.bootId === beat.bootId && last.seq === beat.seq)) return;
  if (beat.bootId === before.retiredBootId || (claim && beat.bootId === claim.bootId))
    witness.broken('S3', `a beat of the condemned ${beat.bootId} counts`);
  // A late first beat of an earlier boot is told from a new boot's by nobody; one that has beaten before is, as long as
  // its successor beats.
  const isOver =
    last && numberOf(beat.bootId) < numberOf(last.bootId) && beat.bootId === before.previousBootId;
  if (isOver && witness.nowMs() <= before.freshUntilMs)
    witness.broken('S17', `${beat.bootId} counts after ${last.bootId}`);
  if (claim && claim.startedAtMs === undefined && beat.bootId !== last?.bootId)
    witness.broken('S10', `${beat.bootId} counts before any start is known`);
  const owner = [...witness.truth.machines.values()].find(({ bootId }) => bootId === beat.bootId);
  if (owner && owner.instanceId !== after.instanceId)
    witness.broken('S6', `a beat of ${owner.instanceId} counts for ${after.instanceId}`);
}

/** A restart that ended without a new boot was a false alarm, or came to nothing: the agent that lives must be heard. */
function livingIsHeard(witness: Witness, { instanceId, retiredBootId }: Workspace): void {
  const machine = witness.truth.machines.get(instanceId);
  if (machine?.instance === 'running' && machine.agent === 'up' && machine.bootId === retiredBootId)
    witness.broken('V5', `the claim ended, and the living ${machine.bootId} is not heard any more`);
}

/** Longer than any function takes from its read to its answer. */
const IN_HAND_MS = 60_000;

/** A beat that no successor speaks against is not refused as one of the past (V5). */
export function beatRefused(
  witness: Witness,
  { session, body }: ApiRequest,
  { body: answer }: ApiAnswer,
): void {
  if (answer['why'] !== 'replayed') return;
  const { bootId } = body as { readonly bootId: string };
  const machine = witness.truth.machines.get(session);
  if (machine?.bootId !== bootId || machine.agent !== 'up') return;
  const workspace = workspaceIn(witness.stored(`WS#${machine.workspaceId}`, 'STATE'));
  if (workspace?.instanceId !== session || workspace.claim || workspace.heartbeat?.bootId === bootId) return;
  if (witness.nowMs() > workspace.freshUntilMs + IN_HAND_MS)
    witness.broken('V5', `the living ${bootId} is refused as one that is over`);
}

/** Boots are counted over the whole world. */
function numberOf(bootId: string): number {
  return Number(/(\d+)$/.exec(bootId)?.[1] ?? 0);
}
