/**
 * Each act is the one act of an intent that its own invocation has written down for an open claim (S8). What becomes of
 * the claim between the two, no fence can tell: EC2 knows of no claims.
 */
import type { Claim } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import type { Act } from './acts.ts';
import { workspaceIn, type Witness } from './witness.ts';

export class IntentOracle {
  readonly #witness: Witness;
  /** Intents without their act yet: by whom, and for which instance. */
  readonly #open = new Map<string, { readonly step: Claim['step']; readonly atMs: number }>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  workspaceChanged(beforeItem: Item | undefined, afterItem: Item | undefined): void {
    const before = workspaceIn(beforeItem)?.claim;
    const after = workspaceIn(afterItem)?.claim;
    const { acting } = this.#witness;
    if (!after || before?.token !== after.token || !acting) return;
    const { step, instanceId } = after;
    if ((step === 'start-issued' || step === 'stop-issued') && isNew(before, after))
      this.#open.set(`${acting.number} ${instanceId}`, { step, atMs: this.#witness.nowMs() });
  }

  /** How long ago the act was meant; undefined when it was not. */
  acts({ act, instanceId }: Act, { number }: Invocation): number | undefined {
    const whose = `${number} ${instanceId}`;
    const intent = this.#open.get(whose);
    this.#open.delete(whose);
    if (intent?.step === `${act}-issued`) return this.#witness.nowMs() - intent.atMs;
    this.#witness.broken('S8', `${act} of ${instanceId}, which its invocation has not meant`);
    return undefined;
  }
}

function isNew(before: Claim, after: Claim): boolean {
  return before.step !== after.step || before.attempt !== after.attempt;
}
