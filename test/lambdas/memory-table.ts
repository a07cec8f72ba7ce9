/** The simulated table behind the mocked document client: for stories of many writes. */
import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { simulatedDynamo, type Item } from '../simulator/aws/dynamodb.ts';
import { TABLE, type mockedAws } from './mocked-aws.ts';

export interface MemoryTable {
  run(command: object): unknown;
  item(pk: string, sk: string): Item | undefined;
  items(): Item[];
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
  const table = simulatedDynamo({ nowMs, tableName: TABLE });
  const answers = (command: object) => {
    lives();
    return table.run(command);
  };
  const makes = (command: object, what: string) => {
    const output = answers(command);
    effect(what);
    return output;
  };
  dynamo.on(GetCommand).callsFake((input) => answers(new GetCommand(input as never)));
  dynamo.on(BatchGetCommand).callsFake((input) => answers(new BatchGetCommand(input as never)));
  dynamo.on(QueryCommand).callsFake((input) => answers(new QueryCommand(input as never)));
  dynamo
    .on(UpdateCommand)
    .callsFake((input: { Key: Item }) =>
      makes(new UpdateCommand(input as never), `write ${idOf(input.Key)}`),
    );
  dynamo
    .on(PutCommand)
    .callsFake((input: { Item: Item }) => makes(new PutCommand(input as never), `write ${idOf(input.Item)}`));
  dynamo
    .on(TransactWriteCommand)
    .callsFake((input) => makes(new TransactWriteCommand(input as never), 'transaction'));
  return table;
}

function idOf(key: Item): string {
  return `${String(key['pk'])}|${String(key['sk'])}`;
}
