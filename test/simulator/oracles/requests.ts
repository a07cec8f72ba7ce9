/** Parked requests: what is promised is kept, ends once, goes to the right agent, in order, with the same bytes. */
import { DELIVERY_LEASE_MS, isFinalState, type ParkedRequest } from '../../../core/parking.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import type { Invocation } from '../invocation.ts';
import type { Machine } from '../machine.ts';
import type { Stranger } from '../stranger.ts';
import type { Copy } from '../truth.ts';
import { requestIn, workspaceIn, type Witness } from './witness.ts';

/** From the clock that an attempt is begun by to the write that begins it, which may be slow and repeated. */
const BEGUN_AT_MOST_MS = 5000;
/** The second opinion on a clock counts whole seconds. */
const DATE_RESOLUTION_MS = 1000;
/**
 * Two seconds by the rule, counted from when EC2 was asked, by a clock that may show an old time for a moment after a thaw.
 * When they are over EC2 is asked once more, and that answer may be as slow as a request may.
 */
const ADDRESS_AGE_MS = 2930;

export class RequestOracle {
  readonly #witness: Witness;
  readonly #firstCopies = new Map<string, Copy>();
  /** When the newest attempt of each request began, by the world's own time. */
  readonly #begunMs = new Map<string, number>();
  readonly #setAside = new Set<string>();
  /** Requests of a workspace in the order in which they came into the queue. */
  readonly #order = new Map<string, string[]>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  rowChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const witness = this.#witness;
    const before = requestIn(beforeItem);
    const after = requestIn(afterItem);
    if (before && isFinalState(before.state) && after?.state !== before.state)
      witness.broken('S24', `${before.requestId} went from ${before.state} to ${after?.state ?? 'nothing'}`);
    if (after?.state === 'delivering' && after.attempts !== before?.attempts) this.#begins(after);
    if (!after || after.state === before?.state) return;
    const leftMs = after.expiresAtMs - witness.nowMs();
    if (after.state === 'expired' && leftMs > 0)
      witness.broken('V1', `${after.requestId} is said to have expired ${leftMs} ms before its time`);
    witness.seen(
      `request ${after.state}${isFinalState(after.state) && after.why !== undefined ? ` ${after.why}` : ''}`,
    );
    if (after.state === 'delivered' && !this.#firstCopies.has(after.requestId))
      witness.broken('V1', `${after.requestId} is said to be delivered, and no agent has it`);
  }

  /** S21: it had not expired by the write that begins it, nor by what its invocation could know. */
  #begins({ requestId, expiresAtMs }: ParkedRequest): void {
    const nowMs = this.#witness.nowMs();
    this.#begunMs.set(requestId, nowMs);
    const knownMs = (this.#witness.acting?.beganMs ?? nowMs) - DATE_RESOLUTION_MS;
    if (nowMs >= expiresAtMs + BEGUN_AT_MOST_MS || knownMs >= expiresAtMs)
      this.#witness.broken('S21', `an attempt begins ${nowMs - expiresAtMs} ms after it expired`);
  }

  /** A message has come into the queue. */
  enqueued(workspaceId: string, requestId: string): void {
    const order = this.#order.get(workspaceId);
    if (!order) this.#order.set(workspaceId, [requestId]);
    else if (!order.includes(requestId)) order.push(requestId);
  }

  /** A copy has arrived at an agent. */
  arrived(copy: Copy, machine: Machine, invocation: Invocation): void {
    const witness = this.#witness;
    const nowMs = witness.nowMs();
    const { requestId } = copy;
    const row = requestIn(witness.stored(`REQ#${requestId}`, 'REQUEST'));
    if (!row) {
      witness.broken('S20', `${requestId} was sent, and there is no such request`);
      return;
    }
    if (row.workspaceId !== machine.workspaceId)
      witness.broken('S20', `${requestId} of ${row.workspaceId} went to ${machine.workspaceId}`);
    this.#address(copy, invocation);
    const workspace = workspaceIn(witness.stored(`WS#${row.workspaceId}`, 'STATE'));
    if (workspace && workspace.instanceId !== copy.instanceId && nowMs - invocation.beganMs < 1000)
      witness.seen('delivery to the instance before');
    if (isFinalState(row.state) && row.state !== 'delivered')
      witness.broken('S21', `${requestId} was sent after it was ${row.state}`);
    // What began in time may arrive as long as its lease lasts.
    const begunMs = this.#begunMs.get(requestId) ?? 0;
    if (nowMs > begunMs + DELIVERY_LEASE_MS)
      witness.broken('S21', `${requestId} was sent ${nowMs - begunMs} ms after its attempt began`);
    const first = this.#firstCopies.get(requestId);
    if (!first) this.#firstCopies.set(requestId, copy);
    else {
      witness.seen('second copy');
      if (first.key !== copy.key || first.bytes !== copy.bytes)
        witness.broken('S22', `the copies of ${requestId} differ`);
    }
    this.#inOrder(row);
  }

  /** Somebody else is at the address: EC2 has not said so yet, and nobody asked him who he is. */
  metStranger(copy: Copy, { isCopy }: Stranger, invocation: Invocation): void {
    this.#witness.seen('stranger given a request');
    this.#address(copy, invocation);
    const { workspaceId = '' } = requestIn(this.#witness.stored(`REQ#${copy.requestId}`, 'REQUEST')) ?? {};
    const workspace = workspaceIn(this.#witness.stored(`WS#${workspaceId}`, 'STATE'));
    // Before the first beat no boot is known that he should be.
    const canPass = isCopy && workspace?.heartbeat === undefined;
    if (this.#witness.policy.peerProof !== 'none' && !canPass)
      this.#witness.broken('S20', `${copy.requestId} went to somebody else, who has proved nothing`);
    if (!this.#firstCopies.has(copy.requestId)) this.#firstCopies.set(copy.requestId, copy);
  }

  /** S20: this very invocation was told by EC2 where it is, a moment ago. */
  #address({ requestId, instanceId }: Copy, { number, beganMs }: Invocation): void {
    const asked = this.#witness.truth.sightsOf(instanceId).filter(({ by }) => by === number);
    const ageMs = this.#witness.nowMs() - (asked.at(-1)?.atMs ?? beganMs);
    if (asked.length === 0 || ageMs > ADDRESS_AGE_MS)
      this.#witness.broken('S20', `${requestId} went to an address that is ${ageMs} ms old`);
  }

  /** S23: whatever came into the queue before it has ended. */
  #inOrder({ workspaceId, requestId }: ParkedRequest): void {
    const order = this.#order.get(workspaceId) ?? [];
    while (order[0] !== undefined && this.#hasEnded(order[0])) order.shift();
    const at = order.indexOf(requestId);
    for (const earlier of order.slice(0, Math.max(at, 0))) {
      if (!this.#hasEnded(earlier)) {
        this.#witness.broken('S23', `${requestId} was sent before ${earlier}, which came first`);
        return;
      }
    }
  }

  #hasEnded(requestId: string): boolean {
    const row = requestIn(this.#witness.stored(`REQ#${requestId}`, 'REQUEST'));
    return !row || isFinalState(row.state);
  }

  /** The queue was emptied by somebody: its order means nothing any more. */
  purged(): void {
    this.#order.clear();
  }

  /** Its message was set aside by hand, where the next version can have it: nothing waits for it any more. */
  setAside(workspaceId: string, requestId: string): void {
    this.#setAside.add(requestId);
    const order = this.#order.get(workspaceId) ?? [];
    if (order.includes(requestId)) order.splice(order.indexOf(requestId), 1);
  }

  /** S25: a message goes only when nothing more is owed for it. */
  deleted(requestId: string, enqueueNo: number): void {
    const row = requestIn(this.#witness.stored(`REQ#${requestId}`, 'REQUEST'));
    if (this.#setAside.has(requestId)) return;
    if (row && !isFinalState(row.state) && row.enqueueNo === enqueueNo)
      this.#witness.broken('S25', `the message of ${requestId} was deleted, and its row says ${row.state}`);
  }

  /** S19: a 202 with a request is a promise, and by then it is durable. */
  answered({ route }: ApiRequest, { status, body }: ApiAnswer): void {
    const { requestId, workspaceId } = body as { requestId?: string; workspaceId?: string };
    if (!route.endsWith('/forward-errors') || status !== 202 || requestId === undefined) return;
    const row = requestIn(this.#witness.stored(`REQ#${requestId}`, 'REQUEST'));
    if (!row) {
      this.#witness.broken('S19', `${requestId} was promised, and is nowhere`);
      return;
    }
    if (row.state === 'accepting')
      this.#witness.broken('S19', `${requestId} was promised, and is not parked yet`);
    if (row.why === 'never-accepted')
      this.#witness.broken('S19', `${requestId} was promised, and was never accepted`);
    const { promised } = this.#witness.truth;
    // A repeat is told of the same promise.
    if (promised.has(requestId)) return;
    promised.set(requestId, {
      requestId,
      workspaceId: workspaceId ?? row.workspaceId,
      expiresAtMs: row.expiresAtMs,
      atMs: this.#witness.nowMs(),
    });
  }
}
