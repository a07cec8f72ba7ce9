/** A beat of the condemned boot that came before any act is held against its claim: no Stop follows it (S3). */
import { isUntouched } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import { workspaceIn, type Witness } from './witness.ts';

export class HeardOracle {
  readonly #witness: Witness;
  /** When each open claim was made, by the world's own time. */
  readonly #madeMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem)?.claim;
    const after = workspaceIn(afterItem)?.claim;
    if (before?.token === after?.token) return;
    if (before) this.#madeMs.delete(before.token);
    if (after) this.#madeMs.set(after.token, this.#witness.nowMs());
  }

  /** The beat was refused, for its boot is condemned: by now the claim must know that it came. */
  beatAnswered({ params, body }: ApiRequest, answer: ApiAnswer, calledMs: number): void {
    if (answer.status !== 409 || answer.body['why'] !== 'retired-boot') return;
    const { bootId, seq } = body as { bootId: string; seq: number };
    const workspace = workspaceIn(this.#witness.stored(`WS#${params?.['workspaceId'] ?? ''}`, 'STATE'));
    const { claim, heartbeat } = workspace ?? {};
    if (claim?.kind !== 'silent' || claim.bootId !== bootId || !isUntouched(claim)) return;
    // Its call may have begun before the claim, and then it was refused for another one.
    if ((this.#madeMs.get(claim.token) ?? Infinity) >= calledMs) return;
    if (heartbeat?.bootId === bootId && seq <= heartbeat.seq) return;
    this.#witness.seen('condemned boot heard');
    if (claim.heardAtMs === undefined)
      this.#witness.broken('S3', `${bootId} has beaten since it was condemned, and its claim does not know`);
  }
}
