/**
 * S19: a promise that its verdict has taken back is not made again. Whoever calls after that is told what he is promised
 * now, and hears no more of the request that has ended.
 */
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import { requestIn, type Witness } from './witness.ts';

export class TakenBackOracle {
  readonly #witness: Witness;
  /** When each was refused, by the world's own time. */
  readonly #endedMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  rowChanged(before: Item | undefined, after: Item | undefined): void {
    const row = requestIn(after);
    if (row === undefined || before?.['state'] === 'refused' || !isTakenBack(row)) return;
    this.#endedMs.set(row.requestId, this.#witness.nowMs());
    this.#witness.seen('promise taken back');
  }

  answered({ route }: ApiRequest, { status, body }: ApiAnswer, calledMs: number): void {
    const { requestId } = body as { requestId?: string };
    if (!route.endsWith('/forward-errors') || status !== 202 || requestId === undefined) return;
    const endedMs = this.#endedMs.get(requestId) ?? Infinity;
    if (endedMs >= calledMs) return;
    this.#witness.broken('S19', `${requestId} is promised ${calledMs - endedMs} ms after it was refused`);
  }
}

/** Refused by the verdict that held it, before anything was tried. */
export function isTakenBack({ state, why = '', heldBy, attempts }: ParkedRequest): boolean {
  const others = ['never-accepted', 'workspace-removed', 'ambiguous'];
  return state === 'refused' && heldBy !== undefined && attempts === 0 && !others.includes(why);
}
