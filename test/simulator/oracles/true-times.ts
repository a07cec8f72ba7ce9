/**
 * S16: what a claim must be late for, by the world's own time and not by what is stored. Beats, launches and announced
 * changes are remembered here as they really came; a clock that stamps one of them wrongly is seen by nothing else.
 */
import type { Claim, Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

/** The database counts whole seconds in its answers, and an invocation has read its clock a moment after it began. */
const ROUNDED_MS = 1000;
const LONGEST_LEASE_MS = 15 * 60_000;

interface Times {
  readonly instanceId: string;
  beatMs: number;
  freshUntilMs: number;
  settleUntilMs: number;
  settleBecause: string;
}

export class TrueTimesOracle {
  readonly #witness: Witness;
  readonly #times = new Map<string, Times>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem);
    const after = workspaceIn(afterItem);
    if (!after) return;
    const times = this.#timesOf(before, after);
    const { claim } = after;
    if (before && claim && claim.token !== before.claim?.token) this.#claimed(before, claim, times);
    if (before) this.#heard(before, after, times);
    if (after.settleUntilMs > (before?.settleUntilMs ?? 0)) this.#opened(after, times);
    // The Start has ended the boot that had beaten.
    if (claim?.step === 'starting' && before?.claim?.step !== 'starting') times.freshUntilMs = 0;
  }

  #timesOf(before: Workspace | undefined, { workspaceId, instanceId }: Workspace): Times {
    const known = this.#times.get(workspaceId);
    if (known?.instanceId === instanceId && before) return known;
    const times = { instanceId, beatMs: 0, freshUntilMs: 0, settleUntilMs: 0, settleBecause: '' };
    this.#times.set(workspaceId, times);
    return times;
  }

  #heard(before: Workspace, { heartbeat }: Workspace, times: Times): void {
    if (!heartbeat) return;
    if (before.heartbeat?.bootId === heartbeat.bootId && before.heartbeat.seq === heartbeat.seq) return;
    const atMs = calledAtMs(this.#witness.acting?.event);
    if (atMs === undefined) return;
    const windowMs = Math.max(this.#witness.policy.freshWindowMs, 3 * heartbeat.intervalMs);
    const leaseMs = Math.min(heartbeat.busyUntilMs ?? 0, atMs + LONGEST_LEASE_MS);
    times.beatMs = Math.max(times.beatMs, atMs);
    times.freshUntilMs = Math.max(times.freshUntilMs, atMs + windowMs, leaseMs);
  }

  /** Whoever opens a window opens it no earlier than when he began. */
  #opened({ settleBecause }: Workspace, times: Times): void {
    const { acting, policy } = this.#witness;
    if (!acting) return;
    const seconds = announcedSeconds(acting.event);
    const untilMs =
      acting.beganMs - ROUNDED_MS + (seconds === undefined ? policy.settleWindowMs : seconds * 1000);
    if (untilMs <= times.settleUntilMs) return;
    times.settleUntilMs = untilMs;
    times.settleBecause = settleBecause;
  }

  #claimed(before: Workspace, claim: Claim, times: Times): void {
    if (claim.kind === 'operator') return;
    const witness = this.#witness;
    const nowMs = witness.nowMs();
    const broken = (what: string, untilMs: number): void => {
      witness.broken('S16', `${what} for another ${untilMs - nowMs} ms, by the right time`);
    };
    if (nowMs <= times.freshUntilMs) broken('claimed though its heartbeat is fresh', times.freshUntilMs);
    if (nowMs < times.settleUntilMs)
      broken(`claimed though it settles because of ${times.settleBecause}`, times.settleUntilMs);
    const silentMs = times.beatMs + witness.policy.silentAfterMs;
    if (claim.kind === 'silent' && times.beatMs > 0 && before.settings?.silentAfterSeconds === undefined)
      if (nowMs < silentMs) broken('claimed as silent though it may be', silentMs);
  }
}

/** When the gateway had the call, which is never wrong. */
function calledAtMs(event: unknown): number | undefined {
  return (event as { requestContext?: { timeEpoch?: number } } | undefined)?.requestContext?.timeEpoch;
}

/** Of a change that somebody announces; undefined for every other window. */
function announcedSeconds(event: unknown): number | undefined {
  const { routeKey, body } = (event ?? {}) as { routeKey?: string; body?: string };
  if (routeKey?.endsWith('/settle') !== true || body === undefined) return undefined;
  return (JSON.parse(body) as { seconds?: number }).seconds;
}
