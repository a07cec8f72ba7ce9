/** A table in memory behind the mocked document client, with DynamoDB's own conditions: for stories of many writes. */
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { holdsFor, updated, type Bindings, type Item } from './expressions.ts';
import { dated, TABLE, type mockedAws } from './mocked-aws.ts';

interface Write extends Bindings {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
}

export interface MemoryTable {
  item(pk: string, sk: string): Item | undefined;
  put(item: Item): void;
}

/** A process that may end: `lives` throws once it has, `effect` is told of each write that was made, and may end it. */
export interface Mortal {
  readonly lives: () => void;
  readonly effect: (what: string) => void;
}
const immortal: Mortal = { lives: () => {}, effect: () => {} };

/** Lets the mocked client work on a table in memory. */
export function memoryTable(
  { dynamo }: ReturnType<typeof mockedAws>,
  nowMs: () => number,
  { lives, effect }: Mortal = immortal,
): MemoryTable {
  const items = new Map<string, Item>();
  const idOf = (key: Item) => `${String(key['pk'])}|${String(key['sk'])}`;
  const $metadata = () => dated(nowMs());
  const failed = (item: Item | undefined) =>
    new ConditionalCheckFailedException({
      message: 'The conditional request failed',
      $metadata: {},
      ...(item && { Item: marshall(item, { removeUndefinedValues: true }) }),
    });
  const check = (write: Write) => {
    const found = items.get(idOf(write.Key ?? write.Item ?? {}));
    return { found, holds: holdsFor(write.ConditionExpression, found ?? {}, write) };
  };
  const make = (write: Write): void => {
    const key = write.Key ?? write.Item ?? {};
    const before = items.get(idOf(key)) ?? { pk: key['pk'], sk: key['sk'] };
    const after = write.Item ?? updated(write.UpdateExpression ?? '', before, write);
    items.set(idOf(key), structuredClone(after));
  };
  const one = (write: Write) => {
    lives();
    const { found, holds } = check(write);
    if (!holds) throw failed(found);
    make(write);
    effect(`write ${idOf(write.Key ?? write.Item ?? {})}`);
    return { $metadata: $metadata(), ...(found && { Attributes: found }) };
  };
  dynamo.on(UpdateCommand).callsFake(one);
  dynamo.on(PutCommand).callsFake(one);
  dynamo
    .on(TransactWriteCommand)
    .callsFake(({ TransactItems: parts }: { TransactItems: Record<string, Write>[] }) => {
      lives();
      const writes = parts.map((part) => Object.values(part)[0] ?? {});
      const reasons = writes.map((write) => ({
        Code: check(write).holds ? 'None' : 'ConditionalCheckFailed',
      }));
      if (reasons.some(({ Code }) => Code !== 'None'))
        throw new TransactionCanceledException({
          message: 'cancelled',
          $metadata: {},
          CancellationReasons: reasons,
        });
      writes.forEach(make);
      effect('transaction');
      return { $metadata: $metadata() };
    });
  dynamo.on(GetCommand).callsFake(({ Key }: { Key: Item }) => {
    lives();
    return { Item: structuredClone(items.get(idOf(Key))), $metadata: $metadata() };
  });
  dynamo
    .on(BatchGetCommand)
    .callsFake(({ RequestItems }: { RequestItems: Record<string, { Keys: Item[] }> }) => {
      lives();
      const keys = RequestItems[TABLE]?.Keys ?? [];
      const found = keys.flatMap((key) => structuredClone(items.get(idOf(key))) ?? []);
      return { Responses: { [TABLE]: found }, $metadata: $metadata() };
    });
  // Only the index of due times holds anything in these stories.
  dynamo.on(QueryCommand).callsFake((query: Bindings & { IndexName?: string }) => {
    lives();
    const values = query.ExpressionAttributeValues ?? {};
    const isDue = (item: Item) =>
      item['dueKey'] === values[':due'] && Number(item['dueAt']) <= Number(values[':now']);
    const Items = query.IndexName === 'byDue' ? [...items.values()].filter(isDue) : [];
    return { Items, $metadata: $metadata() };
  });
  return {
    item: (pk, sk) => items.get(idOf({ pk, sk })),
    put: (item) => {
      items.set(idOf(item), structuredClone(item));
    },
  };
}
