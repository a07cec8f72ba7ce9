/** What a fleet's mode promises: nothing is done while it only observes, and nothing before a yes where one is asked for. */
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

export function modeIsKept(
  witness: Witness,
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const before = workspaceIn(beforeItem);
  const claim = workspaceIn(afterItem)?.claim;
  if (!before || !claim || before.claim?.token === claim.token || claim.kind === 'operator') return;
  const mode = before.settings?.mode ?? witness.policy.mode;
  if (mode === 'observe') witness.broken('S11', 'claimed in a fleet that is only observed');
  if (mode === 'approve' && claim.step !== 'awaiting-approval')
    witness.broken('S13', 'claimed without waiting for a yes');
}
