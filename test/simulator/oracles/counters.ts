/** What is counted as parked for a workspace is what its rows say: at each change of the count, and at rest (V1). */
import { isFinalState } from '../../../core/parking.ts';
import type { Item } from '../aws/dynamodb.ts';
import { requestIn, type Witness } from './witness.ts';

export class CounterOracle {
  readonly #witness: Witness;
  /** Requests that have not ended, each with its bytes, by workspace. */
  readonly #open = new Map<string, Map<string, number>>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  rowChanged(afterItem: Item | undefined): void {
    const row = requestIn(afterItem);
    if (!row) return;
    const { workspaceId, requestId, bodyBytes } = row;
    let open = this.#open.get(workspaceId);
    if (!open) this.#open.set(workspaceId, (open = new Map<string, number>()));
    if (isFinalState(row.state)) open.delete(requestId);
    else open.set(requestId, bodyBytes);
  }

  /** A transaction writes the row first, then its counter: by now the two agree again. */
  parkedChanged(workspaceId: string, before: Item | undefined, after: Item | undefined): void {
    if (before?.['count'] !== after?.['count'] || before?.['bytes'] !== after?.['bytes'])
      this.#compare(workspaceId);
  }

  compareAll(): void {
    for (const workspaceId of this.#open.keys()) this.#compare(workspaceId);
  }

  #compare(workspaceId: string): void {
    const item = this.#witness.stored(`WS#${workspaceId}`, 'PARKED');
    const [count, bytes] = [Number(item?.['count'] ?? 0), Number(item?.['bytes'] ?? 0)];
    const open = [...(this.#open.get(workspaceId)?.values() ?? [])];
    const sum = open.reduce((total, each) => total + each, 0);
    if (count !== open.length || bytes !== sum)
      this.#witness.broken(
        'V1',
        `${count} requests of ${bytes} bytes are counted for ${workspaceId}, of ${open.length} and ${sum}`,
      );
  }
}
