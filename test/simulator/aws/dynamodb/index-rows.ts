/** A secondary index that holds keys only. It follows the table, each change after a lag of its own. */
import type { Key, KeySchema } from './schema.ts';
import { compare, compareText, type Item } from './values.ts';

interface Change {
  readonly id: string;
  readonly visibleAtMs: number;
  readonly entry: Item | undefined;
}

export class IndexRows {
  readonly schema: KeySchema;
  readonly #lagMs: () => number;
  /** Where an item stands now. */
  readonly #partitionOf = new Map<string, string>();
  readonly #partitions = new Map<string, Map<string, Item>>();
  #coming: Change[] = [];

  constructor(schema: KeySchema, lagMs: () => number) {
    this.schema = schema;
    this.#lagMs = lagMs;
  }

  follow(key: Key, change: { before: Item | undefined; after: Item | undefined }, nowMs: number): void {
    const { partition, sort } = this.schema;
    const { before, after } = change;
    if (before?.[partition] === after?.[partition] && before?.[sort] === after?.[sort]) return;
    const id = `${key.pk}\n${key.sk}`;
    const isListed = after?.[partition] !== undefined && after[sort] !== undefined;
    const entry = isListed
      ? Object.freeze({ ...key, [partition]: after[partition], [sort]: after[sort] })
      : undefined;
    // The changes of one item keep their order.
    const earliestMs = this.#coming.findLast((one) => one.id === id)?.visibleAtMs ?? 0;
    const visibleAtMs = Math.max(earliestMs, nowMs + this.#lagMs());
    if (visibleAtMs <= nowMs) this.#apply({ id, visibleAtMs, entry });
    else this.#coming.push({ id, visibleAtMs, entry });
  }

  /** The entries of a partition by sort key. */
  partition(value: string, nowMs: number): Item[] {
    this.#catchUp(nowMs);
    const { sort } = this.schema;
    const entries = [...(this.#partitions.get(value)?.values() ?? [])];
    return entries.sort((a, b) => compare(a[sort], b[sort]) || compareText(idOf(a), idOf(b)));
  }

  all(nowMs: number): Item[] {
    this.#catchUp(nowMs);
    return [...this.#partitions.keys()].flatMap((value) => this.partition(value, nowMs));
  }

  #catchUp(nowMs: number): void {
    if (this.#coming.length === 0) return;
    const waiting: Change[] = [];
    for (const change of this.#coming) {
      if (change.visibleAtMs <= nowMs) this.#apply(change);
      else waiting.push(change);
    }
    this.#coming = waiting;
  }

  #apply({ id, entry }: Change): void {
    const from = this.#partitionOf.get(id);
    if (from !== undefined) this.#partitions.get(from)?.delete(id);
    this.#partitionOf.delete(id);
    if (!entry) return;
    const to = String(entry[this.schema.partition]);
    this.#partitionOf.set(id, to);
    const partition = this.#partitions.get(to) ?? new Map<string, Item>();
    this.#partitions.set(to, partition.set(id, entry));
  }
}

function idOf(item: Item): string {
  return `${String(item['pk'])}\n${String(item['sk'])}`;
}
