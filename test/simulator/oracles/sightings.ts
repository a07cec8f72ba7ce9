/** What a claim rests on, as its receipt tells it: a silence that may count, two sightings of one launch (S2, S4). */
import type { Claim, Workspace } from '../../../core/workspace.ts';
import type { Receipt } from '../../../core/receipt.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

export function sightingsCount(
  witness: Witness,
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const before = workspaceIn(beforeItem);
  const claim = workspaceIn(afterItem)?.claim;
  if (!before || !claim || before.claim?.token === claim.token || claim.forced) return;
  if (claim.launchTimeMs !== undefined) {
    const leftMs = claim.launchTimeMs + settleWindowMs(witness, before) - witness.nowMs();
    if (leftMs > 0) witness.broken('S2', `claimed ${leftMs} ms before the window of its launch ended`);
  }
  const { evidence } = before;
  if (evidence?.verdictId === claim.token && evidence.launchTimeMs !== claim.launchTimeMs)
    witness.broken('S4', 'the first sighting was of another launch than the claim');
  if (claim.kind === 'silent') silenceCounts(witness, before, claim);
}

/** Nobody listened, the agent had promised to beat, and it had beaten in this very launch. */
function silenceCounts(witness: Witness, { workspaceId, heartbeat }: Workspace, claim: Claim): void {
  const stored = witness.stored(`WS#${workspaceId}`, `VERDICT#${claim.token}`);
  const kind = (stored?.['receipt'] as Receipt | undefined)?.errorKind;
  if (kind !== 'refused' && kind !== 'reset' && kind !== 'eof')
    witness.broken('S4', `claimed as silent by an error of the kind ${String(kind)}`);
  if (heartbeat?.declaresInterval !== true)
    witness.broken('S4', 'claimed as silent, and it had never said how often it beats');
  if (heartbeat && heartbeat.atMs < (claim.launchTimeMs ?? 0))
    witness.broken('S9', 'claimed as silent since before its launch');
}

function settleWindowMs({ policy }: Witness, { settings }: Workspace): number {
  return settings?.settleSeconds === undefined ? policy.settleWindowMs : settings.settleSeconds * 1000;
}
