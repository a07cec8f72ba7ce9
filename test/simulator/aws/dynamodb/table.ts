/** The table itself: what each call does to its rows and indexes. */
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { projection } from '../expressions/projection.ts';
import { checkPlaceholders } from '../expressions/reader.ts';
import { conditionFailed, conflict, invalid } from './errors.ts';
import { IndexRows } from './index-rows.ts';
import { boundBy, checkFields, type Input } from './input.ts';
import { queried, scanned, type Source } from './pages.ts';
import { Rows } from './rows.ts';
import { indexKeys, keyIn, keyOfItem, tableKey, type Key } from './schema.ts';
import { plannedTogether, Tokens } from './transactions.ts';
import type { Item } from './values.ts';
import { planned, type WriteKind } from './writes.ts';

export interface DynamoOptions {
  /** The database's own clock, in epoch ms. */
  readonly nowMs: () => number;
  readonly tableName: string;
  /** How old the state is that a read without ConsistentRead shows, in ms; asked once a read. @default none */
  readonly readAgeMs?: () => number;
  /** The largest of these ages. @default 0 */
  readonly longestReadAgeMs?: number;
  /** After how many ms an index follows a change of the table; asked once a change. @default at once */
  readonly indexLagMs?: () => number;
  /** Whether a transaction holds the item just now; asked for each item of a write. @default never */
  readonly isHeld?: (key: Key) => boolean;
  /** Whether a batch leaves the key for another call. @default never */
  readonly isUnprocessed?: (key: Key) => boolean;
  /** Told of each change that was made, at once. */
  readonly onChange?: (change: Change) => void;
}

export interface Change {
  readonly key: Key;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

export class SimulatedTable {
  readonly rows: Rows;
  readonly #indexes: readonly IndexRows[];
  readonly #options: DynamoOptions;
  readonly #tokens = new Tokens();
  readonly #itemAt = (key: Key): Item | undefined => this.rows.get(key);

  constructor(options: DynamoOptions) {
    this.#options = options;
    this.rows = new Rows(options.longestReadAgeMs ?? 0);
    const lagMs = options.indexLagMs ?? (() => 0);
    this.#indexes = indexKeys.map((schema) => new IndexRows(schema, lagMs));
  }

  run(command: object): object {
    const act = acts.get(command.constructor);
    if (!act) throw new Error(`not understood: ${command.constructor.name}`);
    const output = act(this, (command as { input: Input }).input) as { $metadata?: Metadata };
    output.$metadata = new Metadata(this.#options.nowMs());
    return output;
  }

  get(input: Input): object {
    checkFields(input, 'Get');
    this.#checkTable(input.TableName);
    const item = this.#read(keyIn(input.Key), this.#readAtMs(input));
    const shown = item && this.#projected(input, item);
    return shown ? { Item: shown } : {};
  }

  batchGet(input: Input): object {
    checkFields(input, 'BatchGet');
    const Responses: Record<string, Item[]> = {};
    const UnprocessedKeys: Record<string, object> = {};
    for (const [name, request] of Object.entries(input.RequestItems ?? {})) {
      this.#checkTable(name);
      checkFields(request, 'KeysAndAttributes');
      const keys = (request.Keys ?? []).map(keyIn);
      if (keys.length === 0 || keys.length > 100)
        throw invalid('Too many items requested for the BatchGetItem call');
      if (new Set(keys.map(({ pk, sk }) => `${pk}\n${sk}`)).size < keys.length)
        throw invalid('Provided list of item keys contains duplicates');
      const left = keys.filter((key) => this.#options.isUnprocessed?.(key) === true);
      const atMs = this.#readAtMs(request);
      const found = keys
        .filter((key) => !left.includes(key))
        .map((key) => this.#read(key, atMs))
        .filter((item) => item !== undefined);
      Responses[name] = found.map((item) => this.#projected(request, item));
      if (left.length > 0) UnprocessedKeys[name] = { ...request, Keys: left };
    }
    return { Responses, UnprocessedKeys };
  }

  write(kind: WriteKind, input: Input): object {
    this.#checkTable(input.TableName);
    const write = planned(kind, input, this.#itemAt);
    if (this.#options.isHeld?.(write.key) === true) throw conflict();
    if (!write.holds) {
      throw conditionFailed(
        input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? write.before : undefined,
      );
    }
    const after = write.after();
    const Attributes = returned(kind, input.ReturnValues, write.before, after);
    this.commit(write.key, after);
    return Attributes ? { Attributes } : {};
  }

  transact(input: Input): object {
    const nowMs = this.#options.nowMs();
    if (this.#tokens.wasMade(input, nowMs)) return {};
    for (const part of input.TransactItems ?? []) {
      for (const write of Object.values(part)) this.#checkTable(write.TableName);
    }
    const isHeld = this.#options.isHeld ?? (() => false);
    const writes = plannedTogether(input, { itemAt: this.#itemAt, isHeld });
    for (const { write, after } of writes) {
      if (write.kind !== 'ConditionCheck') this.commit(write.key, after);
    }
    this.#tokens.made(input, nowMs);
    return {};
  }

  query(input: Input): object {
    return queried(input, this.#source(input));
  }

  scan(input: Input): object {
    return scanned(input, this.#source(input));
  }

  commit(key: Key, after: Item | undefined): void {
    const before = this.rows.get(key);
    if (before === undefined && after === undefined) return;
    const nowMs = this.#options.nowMs();
    this.rows.put(key, after, nowMs);
    for (const index of this.#indexes) index.follow(key, { before, after }, nowMs);
    this.#options.onChange?.({ key, before, after });
  }

  removeExpired(which: (key: Key) => boolean = () => true): number {
    const nowSeconds = this.#options.nowMs() / 1000;
    const expired = this.rows.all(Infinity).filter((item) => Number(item['ttl']) < nowSeconds);
    const chosen = expired.map(keyOfItem).filter(which);
    for (const key of chosen) this.commit(key, undefined);
    return chosen.length;
  }

  #source(input: Input): Source {
    this.#checkTable(input.TableName);
    const nowMs = this.#options.nowMs();
    if (input.IndexName === undefined) {
      const atMs = this.#readAtMs(input);
      return {
        schema: tableKey,
        partition: (value) => this.rows.partition(value, atMs),
        all: () => this.rows.all(atMs),
      };
    }
    const index = this.#indexes.find(({ schema }) => schema.name === input.IndexName);
    if (!index) throw invalid(`The table does not have the specified index: ${input.IndexName}`);
    if (input.ConsistentRead === true)
      throw invalid('Consistent reads are not supported on global secondary indexes');
    return {
      schema: index.schema,
      partition: (value) => index.partition(value, nowMs),
      all: () => index.all(nowMs),
    };
  }

  /** The time whose state a read shows: now, or some time ago. */
  #readAtMs({ ConsistentRead }: Input): number {
    const { readAgeMs, nowMs } = this.#options;
    return ConsistentRead === true || !readAgeMs ? Infinity : nowMs() - readAgeMs();
  }

  #read(key: Key, atMs: number): Item | undefined {
    return atMs === Infinity ? this.rows.get(key) : this.rows.getAsOf(key, atMs);
  }

  #projected(input: Input, item: Item): Item {
    const bound = boundBy(input);
    if (input.ProjectionExpression === undefined) {
      checkPlaceholders([], bound);
      return item;
    }
    const parts = projection(input.ProjectionExpression);
    checkPlaceholders([parts], bound);
    return parts.run(item, bound);
  }

  #checkTable(name: string | undefined): void {
    if (name !== this.#options.tableName) throw new Error(`not understood: the table ${String(name)}`);
  }
}

/** What comes with each answer. Few ask for the date, so it is put into words for those alone. */
class Metadata {
  readonly httpStatusCode = 200;
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get serverDate(): string {
    return new Date(this.#nowMs).toUTCString();
  }
}

function returned(
  kind: WriteKind,
  wanted: string | undefined,
  before: Item | undefined,
  after: Item | undefined,
): Item | undefined {
  if (wanted === undefined || wanted === 'NONE') return undefined;
  if (wanted === 'ALL_OLD') return before;
  if (wanted === 'ALL_NEW' && kind === 'Update') return after;
  throw new Error(`not understood: ReturnValues ${wanted} in a ${kind}`);
}

const acts = new Map<unknown, (table: SimulatedTable, input: Input) => object>([
  [GetCommand, (table, input) => table.get(input)],
  [BatchGetCommand, (table, input) => table.batchGet(input)],
  [PutCommand, (table, input) => table.write('Put', input)],
  [UpdateCommand, (table, input) => table.write('Update', input)],
  [DeleteCommand, (table, input) => table.write('Delete', input)],
  [TransactWriteCommand, (table, input) => table.transact(input)],
  [QueryCommand, (table, input) => table.query(input)],
  [ScanCommand, (table, input) => table.scan(input)],
]);
