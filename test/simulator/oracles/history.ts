/** What only a memory can tell: how often a workspace was really claimed (S13), and which verdicts have won (S27). */
import type { Receipt } from '../../../core/receipt.ts';
import type { Claim, Workspace } from '../../../core/workspace.ts';
import { isUntouched } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

export class HistoryOracle {
  readonly #witness: Witness;
  readonly #claims = new Map<string, Claim[]>();
  readonly #won = new Set<string>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem);
    const after = workspaceIn(afterItem);
    if (!before || after?.instanceId !== before.instanceId) {
      this.#claims.delete(String(afterItem?.['workspaceId'] ?? beforeItem?.['workspaceId']));
      return;
    }
    // An operator has given the whole budget back.
    if (before.quarantine && !after.quarantine) this.#claims.delete(after.workspaceId);
    if (before.claim && !after.claim && isUntouched(before.claim))
      this.#forget(after.workspaceId, before.claim);
    if (after.claim && after.claim.token !== before.claim?.token) this.#claimed(after, after.claim);
    const because = after.quarantine?.because ?? '';
    if (!before.quarantine && /Capacity|Throttl|LimitExceeded/.test(because))
      this.#witness.broken('V4', `given up for ever because of ${because}`);
  }

  #claimed({ workspaceId }: Workspace, claim: Claim): void {
    this.#won.add(claim.token);
    const { policy } = this.#witness;
    const sinceMs = this.#witness.nowMs() - policy.restartWindowMs;
    const recent = [...(this.#claims.get(workspaceId) ?? []), claim].filter((one) => one.sinceMs > sinceMs);
    this.#claims.set(workspaceId, recent);
    if (!claim.forced && recent.length > policy.restartsPerWindow)
      this.#witness.broken('S13', `restart ${recent.length} of ${workspaceId} within the window`);
  }

  #forget(workspaceId: string, claim: Claim): void {
    const rest = (this.#claims.get(workspaceId) ?? []).filter(({ token }) => token !== claim.token);
    this.#claims.set(workspaceId, rest);
  }

  judged(afterItem: Item | undefined): void {
    const receipt = afterItem?.['receipt'] as Receipt | undefined;
    if (receipt?.act === 'restart' && receipt.verdict === 'dead' && !this.#won.has(receipt.verdictId))
      this.#witness.broken('S27', `${receipt.verdictId} says that it restarts, and has never won a claim`);
  }
}
