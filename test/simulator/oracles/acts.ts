/** Start and Stop as EC2 carries them out: who meant them, for what, and whom they hit. */
import type { Claim, InstanceState } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import { fleetIn, workspaceIn, type Witness } from './witness.ts';

/** Start or Stop, as EC2 has just carried it out. */
export interface Act {
  readonly act: 'start' | 'stop';
  readonly instanceId: string;
  /** The state in which it found the instance. */
  readonly before: InstanceState;
  /** Whether an agent lived on it. */
  readonly wasAlive: boolean;
}

/** An act comes this soon after its intent: the lease of one that did not stand still, and the slowest call. */
const CARRIED_OUT_MS = 23_000;

export class ActOracle {
  readonly #witness: Witness;
  /** Since when the brake has been open. */
  #openSinceMs: number | undefined;
  /** Claims that an operator has forced, also those that are over. */
  readonly #forced = new Set<string>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** `meantForMs`: how long ago its own invocation wrote the intent. */
  acts(done: Act, invocation: Invocation, meantForMs = Infinity): void {
    const witness = this.#witness;
    const { act, instanceId } = done;
    const nowMs = witness.nowMs();
    const machine = witness.truth.machines.get(instanceId);
    if (invocation.name !== 'restart') witness.broken('S11', `${invocation.name} has called ${act}`);
    if (!machine) return;
    const workspace = workspaceIn(witness.stored(`WS#${machine.workspaceId}`, 'STATE'));
    const claim = workspace?.claim;
    witness.seen(`act ${act} on ${done.before}`);
    if (claim?.instanceId !== instanceId) {
      // Another copy has ended the claim since the intent: a Start that finds it running does nothing.
      if (act === 'start' && done.before !== 'stopped') witness.seen('start of what runs, its claim over');
      // A person has given the workspace another instance, or removed it, between the intent and the act: the intent
      // was the fence, and EC2 knows of no claims.
      else if (workspace?.instanceId !== instanceId && meantForMs < CARRIED_OUT_MS)
        witness.seen(`${act} that a change of the instance has crossed`);
      // Nor of a copy that was faster, was refused, and has given the claim up: the instance is stopped, and was condemned.
      else if (act === 'start' && meantForMs < CARRIED_OUT_MS)
        witness.seen('start that the end of its claim has crossed');
      else witness.broken('S8', `${act} of ${instanceId} without a claim that is open`);
      return;
    }
    // A second Start of one claim finds the instance starting, and changes nothing; a Stop is not so harmless.
    const meant = act === 'start' ? claim.attempt > 0 : claim.step === 'stop-issued';
    if (!meant) witness.broken('S8', `${act} while the claim's step is ${claim.step}`);
    const acts = witness.truth.acts.get(claim.token) ?? { starts: 0, stops: 0 };
    witness.truth.acts.set(claim.token, acts);
    if (act === 'start') acts.starts += 1;
    else acts.stops += 1;
    if (acts.stops > 1) witness.broken('S13', `${acts.stops} Stops for one claim`);
    if (!claim.forced && this.#openSinceMs !== undefined && this.#openSinceMs < invocation.beganMs)
      witness.broken('S13', `${act} while the brake is open since ${nowMs - this.#openSinceMs} ms`);
    if (act === 'stop') this.#stops(done, claim, machine.workspaceId);
  }

  #stops({ instanceId, wasAlive }: Act, claim: Claim, workspaceId: string): void {
    const witness = this.#witness;
    const nowMs = witness.nowMs();
    const launchTimeMs = witness.launchTimeOf(instanceId);
    if (launchTimeMs !== claim.launchTimeMs)
      witness.broken('S9', `Stop hits a boot of ${workspaceId} that was launched after the condemned one`);
    if ((claim.stopLeaseUntilMs ?? 0) + 1000 < nowMs)
      witness.broken('S8', `Stop ${nowMs - (claim.stopLeaseUntilMs ?? 0)} ms after its lease ended`);
    if (wasAlive)
      witness.seen(claim.kind === 'operator' ? 'ordered stop of the living' : 'stop of the living');
  }

  workspaceChanged(afterItem: Item | undefined): void {
    const claim = workspaceIn(afterItem)?.claim;
    if (claim?.forced === true) this.#forced.add(claim.token);
  }

  fleetChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = fleetIn(beforeItem);
    const after = fleetIn(afterItem);
    if (!after) return;
    if (after.brake === 'open' && before?.brake !== 'open') {
      this.#openSinceMs = this.#witness.nowMs();
      this.#witness.seen(`brake opened by ${after.brakeCause ?? 'nobody'}`);
    }
    if (after.brake === 'closed' && before?.brake === 'open') {
      this.#openSinceMs = undefined;
      this.#witness.seen('brake closed');
    }
    const added = Object.keys(after.admitted).filter((token) => before?.admitted[token] === undefined);
    if (added.length > 0) this.#witness.seen('admitted');
    for (const token of added) {
      if (this.#forced.has(token)) continue;
      if (before?.brake === 'open') this.#witness.broken('S13', 'admitted while the brake is open');
      if (before?.pause && (before.pause.untilMs ?? Infinity) > this.#witness.nowMs())
        this.#witness.broken('S13', 'admitted while the fleet is paused');
      const slots = Math.max(
        3,
        Math.floor(this.#witness.policy.maxRestartShare * this.#witness.truth.members.length),
      );
      const admitted = Object.keys(after.admitted).length;
      if (admitted > slots + this.#forcedOnes(after.admitted))
        this.#witness.broken('S13', `${admitted} restarts at once, of ${slots}`);
    }
  }

  #forcedOnes(admitted: Readonly<Record<string, { readonly workspaceId: string }>>): number {
    return Object.entries(admitted).filter(([token, { workspaceId }]) => {
      const claim = workspaceIn(this.#witness.stored(`WS#${workspaceId}`, 'STATE'))?.claim;
      // One whose claim has ended already may have been forced.
      return claim?.token !== token || claim.forced;
    }).length;
  }
}
