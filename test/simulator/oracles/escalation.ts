/**
 * Busy is not for ever: where look after look says that an instance is stopping, somebody is told after ten minutes, by
 * whoever looks: callers and second looks (V5), the restart that waits for it (V7). An agent that has gone mute is told
 * of by each look that finds its instance running (V6).
 */
import type { Receipt } from '../../../core/receipt.ts';
import type { Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Sight } from '../truth.ts';
import type { Weights } from '../swarm.ts';
import { workspaceIn, type Witness } from './witness.ts';

const TOLD_AFTER_MS = 10 * 60_000;
/** Looks further apart do not speak of the same trouble; some of what is allowed is taken by clocks that are wrong. */
const LONGEST_GAP_MS = 4 * 60_000;
/** What a clock may be behind, and what an invocation takes. */
const BEHIND_MS = 5 * 60_000 + 30_000;
const MOMENT_MS = 30_000;
/** As many may die, or fail, before they have told of what they saw. */
const MOST_UNLUCKY = 5;
/** The whole seconds of the database, and the moment in which a beat is on its way. */
const MUTE_AT_LEAST_MS = 10_000;

interface Trouble {
  sinceMs: number;
  lastMs: number;
  /** Invocations that have seen it when it was long enough, and have told nobody. */
  untold: Set<number>;
}

export class EscalationOracle {
  readonly #witness: Witness & { readonly weights: Weights };
  readonly #troubles = new Map<string, Trouble>();
  /** Invocations that have said that an agent is mute. */
  readonly #toldOfMute = new Set<number>();

  constructor(witness: Witness & { readonly weights: Weights }) {
    this.#witness = witness;
  }

  saw(workspaceId: string, { fn, state, by, atMs }: Sight): void {
    // A function that stood still writes what it knew minutes ago over what others have learnt since.
    if (this.#witness.weights.frozen > 0) return;
    if (state === 'unknown' || (fn !== 'forward-error' && fn !== 'reprobe' && fn !== 'restart')) return;
    const trouble = this.#troubles.get(workspaceId);
    if (state !== 'stopping' || !this.#isStopping(workspaceId)) {
      this.#troubles.delete(workspaceId);
      return;
    }
    if (!trouble || atMs - trouble.lastMs > LONGEST_GAP_MS) {
      this.#troubles.set(workspaceId, { sinceMs: atMs, lastMs: atMs, untold: new Set() });
      return;
    }
    trouble.lastMs = atMs;
    const allowedMs = TOLD_AFTER_MS + MOMENT_MS + (this.#clocksAreRight() ? 0 : BEHIND_MS);
    if (atMs - trouble.sinceMs <= allowedMs) return;
    this.#witness.seen(`long trouble seen by ${fn}`);
    if (trouble.untold.size >= MOST_UNLUCKY)
      this.#witness.broken(
        fn === 'restart' ? 'V7' : 'V5',
        `${workspaceId} has been stopping for ${atMs - trouble.sinceMs} ms, and nobody is told by ${fn}`,
      );
    trouble.untold.add(by);
  }

  /** What begins anew with a claim, its steps, a beat or another instance begins anew here. */
  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem);
    const after = workspaceIn(afterItem);
    if (after && phaseOf(before) !== phaseOf(after)) this.#troubles.delete(after.workspaceId);
  }

  /** A line of a log. */
  said(message: string, workspaceId: unknown, by: number): void {
    if (message === 'agent mute') this.#toldOfMute.add(by);
    if (message !== 'workspace stuck' && message !== 'instance stuck in stopping') return;
    this.#witness.seen(`told: ${message}`);
    this.#troubles.get(String(workspaceId))?.untold.clear();
  }

  judged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const receipt = afterItem?.['receipt'] as Receipt | undefined;
    const { acting, truth, policy } = this.#witness;
    if (beforeItem || acting?.name !== 'forward-error' || receipt?.verdict !== 'alive') return;
    const workspace = workspaceIn(this.#witness.stored(`WS#${receipt.workspaceId}`, 'STATE'));
    const { heartbeat, freshUntilMs = 0, instanceId = '' } = workspace ?? {};
    const hasLooked = truth.sightsOf(instanceId).some(({ by }) => by === acting.number);
    if (heartbeat?.declaresInterval !== true || !hasLooked || !this.#clocksAreRight()) return;
    const saidByMs = acting.beganMs - MUTE_AT_LEAST_MS;
    if (saidByMs < freshUntilMs || saidByMs - heartbeat.atMs < policy.silentAfterMs) return;
    this.#witness.seen('mute agent met');
    if (!this.#toldOfMute.has(acting.number))
      this.#witness.broken('V6', `${receipt.workspaceId} has gone mute, and nobody is told`);
  }

  #isStopping(workspaceId: string): boolean {
    return this.#witness.truth.member(workspaceId)?.machine.instance === 'stopping';
  }

  #clocksAreRight(): boolean {
    const { skewed, slightlySkewed, thawLag } = this.#witness.weights;
    return skewed === 0 && slightlySkewed === 0 && thawLag === 0;
  }
}

function phaseOf(workspace: Workspace | undefined): string {
  const { generation, instanceId, heartbeat, claim } = workspace ?? {};
  const { token, step, deadlineMs, stopLeaseUntilMs } = claim ?? {};
  return [generation, instanceId, heartbeat?.atMs, token, step, deadlineMs, stopLeaseUntilMs].join(' ');
}
