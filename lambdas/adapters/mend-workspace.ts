/**
 * A workspace's item that cannot be read is replaced by a new registration, if it still is as it was read. Little of it
 * is believed: the generation, so that old messages stay old, and a pause, since somebody wants no restart. An open claim
 * is closed by it, as by a new instance.
 */
import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Registration, Registry, SettleWindow } from '../ports/registry.ts';
import { indexUpdate } from './instance-index.ts';
import { keyOf, listKey } from './keys.ts';
import { failedConditions, retryingConflicts, type Table } from './table.ts';
import { ITEM_VERSION, readPause, readWorkspaceItem } from './workspace-item.ts';

type Item = Readonly<Record<string, unknown>>;

/** What other functions may add between the read and the write; what is there is compared as it is. */
const comesAndGoes = ['claim', 'evidence', 'heartbeat', 'pause', 'generation', 'removed'];

export function mendWorkspace(table: Table): Registry['mend'] {
  return async (registration, settles) => {
    const Key = keyOf.workspace(registration.workspaceId);
    const { Item: found } = await table.client.send(
      new GetCommand({ TableName: table.name, Key, ConsistentRead: true }),
    );
    if (found === undefined || readWorkspaceItem(found) !== 'malformed') return 'conflict';
    // A newer version wrote it, and knows what it means (S32).
    if (typeof found['v'] === 'number' && found['v'] > ITEM_VERSION) return 'newer-version';
    const before: unknown = found['instanceId'];
    const isOther = typeof before === 'string' && before !== registration.instanceId;
    try {
      await retryingConflicts(() =>
        table.client.send(
          new TransactWriteCommand({
            TransactItems: [
              {
                Put: {
                  TableName: table.name,
                  Item: { ...Key, ...registered(registration, found, settles) },
                  ...asRead(found),
                },
              },
              // It was counted in the size of the fleet when it was first registered.
              { Update: indexUpdate(table, 'ADD', registration.instanceId, registration.workspaceId) },
              ...(isOther
                ? [{ Update: indexUpdate(table, 'DELETE', before, registration.workspaceId) }]
                : []),
            ],
          }),
        ),
      );
      return 'written';
    } catch (error) {
      if (failedConditions(error)) return 'conflict';
      throw error;
    }
  };
}

function registered(registration: Registration, found: Item, { fromMs, untilMs }: SettleWindow): Item {
  const { generation, firstGeneration } = found;
  const pause = readPause(found['pause']);
  return {
    ...registration,
    v: ITEM_VERSION,
    settings: registration.settings ?? {},
    // The time is higher than any count, where nobody can say what the count was.
    generation: isCount(generation) ? generation + 1 : fromMs,
    ...(isCount(firstGeneration) && { firstGeneration }),
    ...(pause && { pause }),
    settleUntilMs: untilMs,
    settleFromMs: fromMs,
    settleBecause: 'registration',
    freshUntilMs: 0,
    recentRestartsMs: [],
    listKey: listKey.workspaces,
    listSort: registration.workspaceId,
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Each attribute as it was read, and none that was not there. */
function asRead(found: Item) {
  const names = [...new Set([...Object.keys(found), ...comesAndGoes])].filter(
    (name) => name !== 'pk' && name !== 'sk',
  );
  const there = names.filter((name) => found[name] !== undefined);
  return {
    ConditionExpression: names
      .map((name, index) =>
        there.includes(name) ? `#n${index} = :v${index}` : `attribute_not_exists(#n${index})`,
      )
      .join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#n${index}`, name])),
    ...(there.length > 0 && {
      ExpressionAttributeValues: Object.fromEntries(
        names.flatMap((name, index) => (there.includes(name) ? [[`:v${index}`, found[name]]] : [])),
      ),
    }),
  };
}
