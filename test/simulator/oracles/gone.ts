/** S18: what is gone is told of once, since who replaces instances goes by it. Copies of the one telling carry one key. */
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

interface Told {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly verdictId?: string;
  readonly token?: string;
}

export class GoneOracle {
  readonly #witness: Witness;
  /** By which verdict, or restart, the instance of each workspace was told to be gone. */
  readonly #told = new Map<string, { readonly instanceId: string; readonly key: string | undefined }>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** Removed, or given another instance: whatever it has next may go again. */
  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem);
    if (before && workspaceIn(afterItem)?.instanceId !== before.instanceId)
      this.#told.delete(before.workspaceId);
  }

  news(type: string, detail: object): void {
    if (type !== 'workspace.gone') return;
    const { workspaceId, instanceId, verdictId, token } = detail as Told;
    const before = this.#told.get(workspaceId);
    // A restart that was ordered all the same has an end of its own, and tells it.
    if (before?.instanceId === instanceId && verdictId !== undefined && before.key !== verdictId)
      this.#witness.broken('S18', `${instanceId} is told to be gone by ${verdictId}, and was before`);
    this.#told.set(workspaceId, { instanceId, key: verdictId ?? token });
  }
}
