/**
 * DynamoDB, simulated below the document client's `send(command)`, so that the real adapters run on it unchanged.
 * One table with the two indexes of lib/state.ts. It is synchronous inside, keeps no clock and takes no chances: time
 * comes from `nowMs`, and what may go one way or the other is asked of the options. What it does not understand throws.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { simulated, type Simulated } from './client.ts';
import { keyOfItem, type Key } from './dynamodb/schema.ts';
import { SimulatedTable, type DynamoOptions } from './dynamodb/table.ts';
import { stored, type Item } from './dynamodb/values.ts';

export type { Item } from './dynamodb/values.ts';
export type { Key } from './dynamodb/schema.ts';
export type { Change, DynamoOptions } from './dynamodb/table.ts';

export interface SimulatedDynamo extends Simulated<DynamoDBDocumentClient> {
  /** The item as it is, for whoever looks from outside. */
  item(pk: string, sk: string): Item | undefined;
  items(): Item[];
  /** Sets an item from outside, by no rule. */
  put(item: Item): void;
  /** Removes what the TTL attribute lets go, as DynamoDB does some days late; gives how many. @default all of it */
  removeExpired(which?: (key: Key) => boolean): number;
}

export function simulatedDynamo(options: DynamoOptions): SimulatedDynamo {
  const table = new SimulatedTable(options);
  return {
    ...simulated<DynamoDBDocumentClient>((command) => table.run(command)),
    item: (pk, sk) => table.rows.get({ pk, sk }),
    items: () => table.rows.all(Infinity),
    put: (item) => {
      const after = stored(item) as Item;
      table.commit(keyOfItem(after), after);
    },
    removeExpired: (which) => table.removeExpired(which),
  };
}
