/** DynamoDB's calls on the bench's table, short enough for sentences. */
import type { AttributeValue, CancellationReason } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
  type QueryCommandInput,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import type { Bench } from './bench.ts';

type Item = Record<string, unknown>;
type Values = Record<string, unknown>;
type More = Partial<UpdateCommandInput>;
/** A part of a transaction, without the table. */
export type Part = Record<string, Item>;

export function callsOn({ table, newKey }: Bench) {
  const TableName = table.name;
  const send = table.client.send.bind(table.client);
  const get = async (Key: Item): Promise<Item | undefined> =>
    (await send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;
  return {
    get,
    newKey,
    /** A stored item with these attributes; gives its key. */
    async stored(attributes: Item): Promise<{ pk: string; sk: string }> {
      const key = newKey();
      await send(new PutCommand({ TableName, Item: { ...key, ...attributes } }));
      return key;
    },
    /** What an item's attributes are, without its key. */
    async attributes(key: Item): Promise<Item | undefined> {
      const item = await get(key);
      if (!item) return undefined;
      const { pk: _pk, sk: _sk, ...rest } = item;
      return rest;
    },
    put: (Item: Item, more: More = {}) => send(new PutCommand({ TableName, Item, ...(more as object) })),
    update: (Key: Item, UpdateExpression: string, values?: Values, more: More = {}) =>
      send(
        new UpdateCommand({
          TableName,
          Key,
          UpdateExpression,
          ...(values && { ExpressionAttributeValues: values }),
          ...more,
        }),
      ),
    delete: (Key: Item, more: More = {}) => send(new DeleteCommand({ TableName, Key, ...(more as object) })),
    transact: (parts: readonly Part[], token?: string) =>
      send(
        new TransactWriteCommand({
          TransactItems: parts.map((part) =>
            Object.fromEntries(Object.entries(part).map(([kind, write]) => [kind, { TableName, ...write }])),
          ),
          ...(token !== undefined && { ClientRequestToken: token }),
        }),
      ),
    query: (KeyConditionExpression: string, values: Values, more: Partial<QueryCommandInput> = {}) =>
      send(
        new QueryCommand({ TableName, KeyConditionExpression, ExpressionAttributeValues: values, ...more }),
      ),
    batchGet: async (Keys: Item[]): Promise<Item[]> => {
      const output = await send(
        new BatchGetCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }),
      );
      return output.Responses?.[TableName] ?? [];
    },
    /** Whether a condition lets an item be written, and nothing but the condition hinders it. */
    async holds(
      key: Item,
      condition: string,
      values?: Values,
      names?: Record<string, string>,
    ): Promise<boolean> {
      try {
        await send(
          new UpdateCommand({
            TableName,
            Key: key,
            UpdateExpression: 'REMOVE neverThere',
            ConditionExpression: condition,
            ...(values && { ExpressionAttributeValues: values }),
            ...(names && { ExpressionAttributeNames: names }),
          }),
        );
        return true;
      } catch (error) {
        expect(error).toHaveProperty('name', 'ConditionalCheckFailedException');
        return false;
      }
    },
  };
}

/** An error of AWS, with what some of them bring along. */
export interface Refusal extends Error {
  readonly Item?: Record<string, AttributeValue>;
  readonly CancellationReasons?: readonly CancellationReason[];
}

/** The error of a call that must be refused. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => undefined,
    (found: unknown) => found,
  );
  expect(error, 'it was not refused').toBeInstanceOf(Error);
  return error as Refusal;
}

/** The name of the error of a call that must be refused. */
export async function refusalName(call: Promise<unknown>): Promise<string> {
  return (await refusal(call)).name;
}
