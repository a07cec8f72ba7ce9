/**
 * S32: two versions of the code side by side. What the newer one keeps survives the writes of this one, and what is of a
 * newer schema this one judges by nothing, and does nothing for.
 */
import type { Change, Item } from '../aws/dynamodb.ts';
import { KEPT_BY_NEWER } from '../versions.ts';
import type { Witness } from './witness.ts';

/** What a verdict and a restart write. Beats, and what people say of it, say nothing of what the item means. */
const judged = [
  'claim',
  'evidence',
  'generation',
  'gone',
  'quarantine',
  'withheld',
  'retiredBootId',
] as const;

export class VersionOracle {
  readonly #witness: Witness;
  /** Since when the item of each workspace is of a newer schema. */
  readonly #newerSinceMs = new Map<string, number>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** The newer code has left the item so. */
  left({ key, after }: Change): void {
    if (key.sk !== 'STATE') return;
    if (after?.['v'] === 1) this.#newerSinceMs.delete(key.pk);
    else if (!this.#newerSinceMs.has(key.pk)) this.#newerSinceMs.set(key.pk, this.#witness.nowMs());
  }

  changed({ key, before, after }: Change): void {
    if (!before || !after || this.#witness.acting?.code === 'newer') return;
    if (key.sk === 'STATE' || key.sk === 'REQUEST' || key.sk === 'PARKED' || key.sk === 'BRAKE')
      this.#keeps(before, after, `${key.pk}/${key.sk}`);
    if (key.sk === 'STATE') this.#ofWorkspace(key.pk, before, after);
    if (key.sk === 'BRAKE')
      for (const [token, slot] of Object.entries(before['admitted'] as Readonly<Record<string, Item>>)) {
        const now = (after['admitted'] as Readonly<Record<string, Item>>)[token];
        // One that is admitted again has a slot of its own.
        if (now && now['deadlineMs'] === slot['deadlineMs']) this.#keeps(slot, now, `the slot of ${token}`);
      }
  }

  #ofWorkspace(pk: string, before: Item, after: Item): void {
    const [was, is] = [before['claim'] as Item | undefined, after['claim'] as Item | undefined];
    if (was && is && was['token'] === is['token']) this.#keeps(was, is, `the claim of ${pk}`);
    const { acting } = this.#witness;
    const sinceMs = before['v'] === 1 ? Infinity : (this.#newerSinceMs.get(pk) ?? Infinity);
    // A tombstone is read by every version.
    if (!acting || sinceMs >= acting.beganMs || before['removed'] === true) return;
    this.#witness.seen('item of a newer version');
    // To take evidence back is only ever careful.
    const isTakenBack = after['evidence'] === undefined;
    const changed = judged.filter(
      (name) =>
        JSON.stringify(before[name]) !== JSON.stringify(after[name]) && !(name === 'evidence' && isTakenBack),
    );
    if (changed.length > 0)
      this.#witness.broken(
        'S32',
        `${acting.name} changes ${changed.join(', ')} of ${pk}, which it can't read`,
      );
  }

  #keeps(before: Item, after: Item, what: string): void {
    if (before[KEPT_BY_NEWER] === undefined) return;
    this.#witness.seen('kept what is unknown');
    if (after[KEPT_BY_NEWER] === undefined)
      this.#witness.broken('S32', `what a newer version keeps in ${what} is lost`);
  }
}
