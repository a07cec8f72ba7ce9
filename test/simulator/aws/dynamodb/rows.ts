/** The items of a table, with what they were before for as long as a read may still show it. */
import type { Key } from './schema.ts';
import { compareText, type Item } from './values.ts';

interface Row {
  readonly key: Key;
  item: Item | undefined;
  /** Oldest first; each was the item until that time. */
  past: { readonly untilMs: number; readonly item: Item | undefined }[];
}

export class Rows {
  readonly #partitions = new Map<string, Map<string, Row>>();
  readonly #keptMs: number;

  /** `keptMs`: how long a replaced item can still be read. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  get({ pk, sk }: Key): Item | undefined {
    return this.#partitions.get(pk)?.get(sk)?.item;
  }

  /** The item as it was at that time. */
  getAsOf({ pk, sk }: Key, atMs: number): Item | undefined {
    const row = this.#partitions.get(pk)?.get(sk);
    return row && itemAt(row, atMs);
  }

  put(key: Key, item: Item | undefined, nowMs: number): void {
    let partition = this.#partitions.get(key.pk);
    if (!partition) this.#partitions.set(key.pk, (partition = new Map<string, Row>()));
    let row = partition.get(key.sk);
    if (!row) partition.set(key.sk, (row = { key, item: undefined, past: [] }));
    if (this.#keptMs > 0) {
      row.past.push({ untilMs: nowMs, item: row.item });
      while ((row.past[0]?.untilMs ?? nowMs) < nowMs - this.#keptMs) row.past.shift();
    }
    row.item = item;
    if (item === undefined && row.past.length === 0) partition.delete(key.sk);
  }

  /** The items of a partition by sort key, as they were at that time. */
  partition(pk: string, atMs: number): Item[] {
    const rows = [...(this.#partitions.get(pk)?.values() ?? [])];
    rows.sort((a, b) => compareText(a.key.sk, b.key.sk));
    return rows.map((row) => itemAt(row, atMs)).filter((item) => item !== undefined);
  }

  all(atMs: number): Item[] {
    return [...this.#partitions.keys()].flatMap((pk) => this.partition(pk, atMs));
  }
}

function itemAt(row: Row, atMs: number): Item | undefined {
  const older = row.past.find(({ untilMs }) => untilMs > atMs);
  return older ? older.item : row.item;
}
