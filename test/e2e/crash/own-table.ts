/** A table of a run's own on the emulator, so that conditions and transactions are really evaluated, by the run's own clock. */
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { DeserializeHandler, MetadataBearer } from '@smithy/types';
import { openTable, type Table } from '../../../lambdas/adapters/table.ts';
import { indexes } from '../../../lambdas/runtime/env-names.ts';
import { adminCredentials } from '../../../local/admin.ts';
import type { Life, Writes } from './faults.ts';
import type { VirtualTime } from './virtual-time.ts';

export type Item = Record<string, unknown>;

export interface OwnTable {
  /** For tests: without faults. */
  readonly table: Table;
  /** As one invocation sees it. */
  seenBy(life: Life): Table;
  items(): Promise<Item[]>;
  drop(): Promise<void>;
}

let made = 0;
let shared: DynamoDBClient['config']['requestHandler'] | undefined;

export async function ownTable(
  { endpointUrl, region }: { readonly endpointUrl: string; readonly region: string },
  time: VirtualTime,
  writes: Writes,
): Promise<OwnTable> {
  const base = new DynamoDBClient({
    endpoint: endpointUrl,
    region,
    credentials: adminCredentials,
    // One for all runs, so that its connections are used again.
    ...(shared && { requestHandler: shared }),
  });
  shared ??= base.config.requestHandler;
  answerWithDateOf(base, time);
  made += 1;
  const name = `crash-${process.pid}-${Date.now().toString(36)}-${made}`;
  await base.send(new CreateTableCommand({ TableName: name, ...schema }));
  const table = openTable(name, base);
  return {
    table,
    seenBy: (life) => ({ name, client: faulty(table.client, life, writes) }),
    async items() {
      const page = await table.client.send(new ScanCommand({ TableName: name, ConsistentRead: true }));
      return page.Items ?? [];
    },
    async drop() {
      await base.send(new DeleteTableCommand({ TableName: name }));
    },
  };
}

/** As lib/state.ts has it. */
const schema = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    ...['pk', 'sk', 'listKey', 'listSort', 'dueKey'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S' as const,
    })),
    { AttributeName: 'dueAt', AttributeType: 'N' },
  ],
  KeySchema: keys('pk', 'sk'),
  GlobalSecondaryIndexes: [
    {
      IndexName: indexes.byList,
      KeySchema: keys('listKey', 'listSort'),
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
    {
      IndexName: indexes.byDue,
      KeySchema: keys('dueKey', 'dueAt'),
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
} satisfies Omit<ConstructorParameters<typeof CreateTableCommand>[0], 'TableName'>;

function keys(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
}

/** The answers' Date is the second opinion on the time: it is the run's time, too. */
function answerWithDateOf(base: DynamoDBClient, time: VirtualTime): void {
  base.middlewareStack.addRelativeTo(
    (next: DeserializeHandler<object, MetadataBearer>): DeserializeHandler<object, MetadataBearer> =>
      async (args) => {
        const result = await next(args);
        const { headers } = result.response as { headers: Record<string, string> };
        headers['date'] = new Date(time.nowMs).toUTCString();
        return result;
      },
    { name: 'dateOfTheRun', relation: 'after', toMiddleware: 'deserializerMiddleware' },
  );
}

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: { readonly TransactItems?: readonly Record<string, Written>[] } & Written;
}
interface Written {
  readonly Key?: { readonly sk?: string };
  readonly Item?: { readonly sk?: string };
}

const writeCommands = ['PutCommand', 'UpdateCommand', 'DeleteCommand', 'TransactWriteCommand'];

function faulty(client: Table['client'], life: Life, writes: Writes): Table['client'] {
  const send = async (command: Command): Promise<unknown> => {
    // The client's `send` is generic in the command, which a wrapper cannot name.
    const toSend = command as unknown as Parameters<typeof client.send>[0];
    const { name } = command.constructor;
    if (writeCommands.includes(name)) return writes.run(life, nameOf(command), () => client.send(toSend));
    life.check();
    const result = await client.send(toSend);
    life.check();
    return result;
  };
  // The adapters use nothing of the client but `send`.
  return { send } as unknown as Table['client'];
}

/** Such as `Update REQUEST`, or `Transact ANSWER+REQUEST+PARKED`. */
function nameOf({ constructor, input }: Command): string {
  const of = ({ Key, Item }: Written): string => ((Key ?? Item)?.sk ?? '?').replace(/#.*/, '');
  if (!input.TransactItems) return `${constructor.name.replace('Command', '')} ${of(input)}`;
  return `Transact ${input.TransactItems.flatMap((item) => Object.values(item).map(of)).join('+')}`;
}
