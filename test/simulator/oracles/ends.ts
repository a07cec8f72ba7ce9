/**
 * S8: a claim is ended by a run that knows where it is: by its own read, or by its own step since. One that was overtaken
 * decides by an old look, and its end leaves what the other has begun without anybody.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Claim } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import type { Command } from '../sdk.ts';
import { workspaceIn, type Witness } from './witness.ts';

export class EndOracle {
  readonly #witness: Witness;
  /** The claims as each invocation knows them, by workspace. */
  readonly #known = new WeakMap<Invocation, Map<string, Claim>>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  called(command: Command, invocation: Invocation): void {
    if (invocation.name !== 'restart' || !(command instanceof GetCommand)) return;
    const { pk, sk } = command.input.Key ?? {};
    if (sk !== 'STATE') return;
    const read = workspaceIn(this.#witness.stored(String(pk), 'STATE'));
    if (read?.claim) this.#knows(invocation, read.workspaceId, read.claim);
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const { acting } = this.#witness;
    if (acting?.name !== 'restart') return;
    const before = workspaceIn(beforeItem);
    const after = workspaceIn(afterItem);
    if (after?.claim) this.#knows(acting, after.workspaceId, after.claim);
    if (!before?.claim || after?.claim) return;
    const known = this.#known.get(acting)?.get(before.workspaceId);
    if (!known || !isSame(known, before.claim))
      this.#witness.broken('S8', `ended at ${placeOf(before.claim)}, known at ${known && placeOf(known)}`);
  }

  #knows(invocation: Invocation, workspaceId: string, claim: Claim): void {
    const known = this.#known.get(invocation) ?? new Map<string, Claim>();
    this.#known.set(invocation, known.set(workspaceId, claim));
  }
}

function isSame(one: Claim, other: Claim): boolean {
  return one.token === other.token && placeOf(one) === placeOf(other);
}

function placeOf({ epoch, step, attempt }: Claim): string {
  return `${step}, epoch ${epoch}, attempt ${attempt}`;
}
