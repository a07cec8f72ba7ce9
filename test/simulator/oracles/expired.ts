/**
 * DynamoDB removes what its TTL lets go, late, at any time: only what nothing is owed for any more (V1), and what is
 * gone does not come back (S24). What is over, but still there, is not believed (S30).
 */
import { isFinalState } from '../../../core/parking.ts';
import type { Item, Key } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import { requestIn, type Witness } from './witness.ts';

/** As long as an answer is repeated, and what clocks that are wrong may add. */
const ANSWER_LIFE_MS = 24 * 3_600_000 + 10 * 60_000;
/** What holds the state of a workspace or of the fleet has no end. */
const neverExpire: readonly string[] = ['STATE', 'PARKED', 'BRAKE', 'SIZE', 'WORKSPACES'];

export class ExpiredOracle {
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** DynamoDB has removed an item. */
  removed({ pk, sk }: Key, before: Item | undefined): void {
    const row = sk === 'REQUEST' ? requestIn(before) : undefined;
    this.#witness.seen(`TTL removes ${sk.replace(/#.*/, '')}`);
    if (neverExpire.includes(sk)) this.#witness.broken('V1', `${pk}/${sk} has expired`);
    if (row && !isFinalState(row.state))
      this.#witness.broken('V1', `${row.requestId} has expired while it was ${row.state}`);
    if (row) this.#witness.truth.forgotten.add(row.requestId);
  }

  rowChanged(before: Item | undefined, after: Item | undefined): void {
    const row = requestIn(after);
    if (before || !row || !this.#witness.truth.forgotten.has(row.requestId)) return;
    this.#witness.broken('S24', `${row.requestId}, long over, is ${row.state} again`);
  }

  answered({ route }: ApiRequest, { status, body }: ApiAnswer): void {
    const { requestId } = body as { requestId?: string };
    if (!route.endsWith('/forward-errors') || status !== 202 || requestId === undefined) return;
    const row = requestIn(this.#witness.stored(`REQ#${requestId}`, 'REQUEST'));
    const ageMs = this.#witness.nowMs() - (row?.acceptedAtMs ?? Infinity);
    if (this.#witness.truth.forgotten.has(requestId) || ageMs > ANSWER_LIFE_MS)
      this.#witness.broken('S30', `${requestId} is promised again, though its answer has expired`);
  }
}
