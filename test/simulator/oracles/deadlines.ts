/**
 * How long things may take once nothing goes wrong any more: the bounds of V1 to V9, from the moment from which on only
 * Defib is waited for. A bound is the rule's own, and the time between two looks of this oracle.
 */
import type { Drain } from '../../../core/drain.ts';
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Workspace } from '../../../core/workspace.ts';
import type { QueueHead } from '../../../lambdas/ports/ledger.ts';
import type { Message } from '../aws/sqs.ts';
import type { Member } from '../truth.ts';
import { isOwedHelp } from './liveness.ts';
import { isOfNext } from './odd.ts';
import { requestIn, fleetIn, workspaceIn, type Witness } from './witness.ts';

/** Between two looks. */
const LOOK_MS = 20_000;
/** The sweep comes every minute, and takes a moment. */
const SWEEP_MS = 65_000;
/** A step of a claim whose message was lost is resumed two minutes later by the sweep, and then takes a poll or two. */
const RESUMED_MS = 120_000 + SWEEP_MS + 75_000;
const START_MS = 90_000;
const DRAIN_MS = 60_000;
/** Between the note of a deferral and its end: full seconds, and two calls. */
const HIDDEN_MS = 5000;

export interface CalmWitness extends Witness {
  readonly calmAtMs: number;
  /** The first message of a workspace in the queue. */
  headOf(workspaceId: string): Message | undefined;
}

export class DeadlineOracle {
  readonly #witness: CalmWitness;
  /** Since when only Defib is waited for, by what for. */
  #since = new Map<string, number>();
  /** The latest lease of each request that was seen. */
  readonly #leases = new Map<string, number>();

  constructor(witness: CalmWitness) {
    this.#witness = witness;
  }

  /** Asked again and again while the world is calm. */
  look(): void {
    const before = this.#since;
    this.#since = new Map();
    for (const member of this.#witness.truth.members) this.#ofMember(member, before);
    for (const { requestId, expiresAtMs, atMs } of this.#witness.truth.promised.values()) {
      const row = this.#row(requestId);
      if (row?.finishedAtMs !== undefined || this.#witness.truth.forgotten.has(requestId)) continue;
      // An attempt that is over has no lease any more, and what it was held up by counts all the same.
      const leaseMs = Math.max(this.#leases.get(requestId) ?? 0, row?.leaseUntilMs ?? 0);
      this.#leases.set(requestId, leaseMs);
      // A sandbox that stood still may keep a request only after it has expired: before that there is nothing to end.
      this.#by('V1', Math.max(expiresAtMs, leaseMs, atMs) + SWEEP_MS, `${requestId} has not ended`);
    }
    const fleet = fleetIn(this.#witness.stored('FLEET', 'BRAKE'));
    if (fleet?.brake === 'open')
      this.#by('V9', (fleet.closesAtMs ?? Infinity) + SWEEP_MS, 'the brake has not closed');
  }

  #ofMember(member: Member, before: ReadonlyMap<string, number>): void {
    const { workspaceId } = member;
    const workspace = workspaceIn(this.#witness.stored(`WS#${workspaceId}`, 'STATE'));
    if (!workspace) return;
    const { claim } = workspace;
    if (claim && claim.step !== 'awaiting-approval')
      // Each refusal is waited out, also the last one before the hour is over (V4).
      this.#by(
        'V2',
        Math.max(claim.deadlineMs, claim.waitsFor === 'capacity' ? (claim.notBeforeMs ?? 0) : 0) + RESUMED_MS,
        `${workspaceId} has an open claim: ${claim.step}`,
      );
    const head = this.#head(workspaceId);
    if (!head || claim) return;
    const { requestId } = head;
    if (isOwedHelp(this.#witness, member)) {
      if (this.#isStale(workspace, member))
        this.#within(START_MS, before, {
          invariant: 'V3',
          what: `${workspaceId} is dead, and ${requestId} waits`,
        });
    } else if (this.#isReady(workspace, member))
      this.#within(DRAIN_MS, before, {
        invariant: 'V8',
        what: `${workspaceId} lives, and ${requestId} waits`,
      });
  }

  /** The request that is next, where nothing but the workspace keeps it waiting. */
  #head(workspaceId: string): ParkedRequest | undefined {
    const nowMs = this.#witness.nowMs();
    const message = this.#witness.headOf(workspaceId);
    if (!message) return undefined;
    if (message.visibleAtMs > nowMs && !this.#isDeferred(workspaceId, message)) return undefined;
    // Of the next version, which was taken back: nobody will read it.
    if (isOfNext(message.body)) return undefined;
    const row = this.#row(requestIdIn(message.body));
    if (row?.state !== 'parked' || (row.notBeforeMs ?? 0) > nowMs) return undefined;
    const holder = row.heldBy && this.#witness.stored(`WS#${workspaceId}`, `VERDICT#${row.heldBy}`);
    return holder && holder['final'] === false ? undefined : row;
  }

  /**
   * Hidden by deliver's own deferral. Otherwise an invocation holds it, or has died and held it; or, before the world was
   * calm, its visibility could not be changed or ended late, so that it stays hidden for longer than deliver wished.
   */
  #isDeferred(workspaceId: string, message: Message): boolean {
    const parked = this.#witness.stored(`WS#${workspaceId}`, 'PARKED');
    const head = parked?.['head'] as QueueHead | undefined;
    const { nextDueAtMs = Infinity } = (parked?.['drain'] ?? {}) as Partial<Drain>;
    const isByFault =
      message.receivedAtMs < this.#witness.calmAtMs && message.visibleAtMs > nextDueAtMs + HIDDEN_MS;
    return head?.receiptHandle === message.handle && !isByFault;
  }

  /** It is dead, and all that speaks against it is over: its last beat, its window, and the silence that is asked for. */
  #isStale({ freshUntilMs, settleUntilMs, heartbeat }: Workspace, { machine }: Member): boolean {
    const { policy } = this.#witness;
    const launchedMs = this.#witness.launchTimeOf(machine.instanceId) ?? 0;
    const silentMs = machine.agent === 'gone' ? (heartbeat?.atMs ?? 0) + policy.silentAfterMs : 0;
    const lastMs = Math.max(freshUntilMs, settleUntilMs, launchedMs + policy.settleWindowMs, silentMs);
    return machine.instance !== 'stopping' && machine.agent !== 'booting' && lastMs < this.#witness.nowMs();
  }

  #isReady(workspace: Workspace, { machine, workspaceId }: Member): boolean {
    const { policy } = this.#witness;
    const { heartbeat, settleUntilMs, desired, pause, instanceId } = workspace;
    const isHere = machine.instanceId === instanceId && machine.agent === 'up' && machine.activeTasks === 0;
    // Who must say which boot he is, is known by it only once he has beaten.
    const isProven = policy.peerProof === 'none' || heartbeat?.bootId === machine.bootId;
    const drain = this.#witness.stored(`WS#${workspaceId}`, 'PARKED')?.['drain'] as
      { readonly ramp?: { readonly notBeforeMs: number } } | undefined;
    const nowMs = this.#witness.nowMs();
    const mayBeSent = settleUntilMs < nowMs && (heartbeat?.activeTasks ?? 0) < policy.maxActiveTasks;
    return (
      isHere &&
      isProven &&
      mayBeSent &&
      desired === 'running' &&
      !pause &&
      (drain?.ramp?.notBeforeMs ?? 0) <= nowMs
    );
  }

  #row(requestId: string): ParkedRequest | undefined {
    return requestIn(this.#witness.stored(`REQ#${requestId}`, 'REQUEST'));
  }

  /** Something is over by then, or by so much after the faults have ended. */
  #by(invariant: string, atMs: number, what: string): void {
    const lateMs = this.#witness.nowMs() - Math.max(atMs, this.#witness.calmAtMs + RESUMED_MS);
    if (lateMs > 0) this.#witness.broken(invariant, `${what}, ${lateMs} ms too late`);
  }

  /** It has been so for no longer than that. */
  #within(
    mostMs: number,
    before: ReadonlyMap<string, number>,
    what: { invariant: string; what: string },
  ): void {
    const key = `${what.invariant} ${what.what}`;
    const sinceMs = before.get(key) ?? this.#witness.nowMs();
    this.#since.set(key, sinceMs);
    const forMs = this.#witness.nowMs() - sinceMs;
    if (forMs > mostMs + LOOK_MS) this.#witness.broken(what.invariant, `${what.what}, for ${forMs} ms`);
  }
}

/** Of rubbish it is none. */
function requestIdIn(body: string): string {
  try {
    return (JSON.parse(body) as { requestId?: string } | null)?.requestId ?? '';
  } catch {
    return '';
  }
}
