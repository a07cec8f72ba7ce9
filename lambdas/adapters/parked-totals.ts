/** What is parked for a workspace, all together: exact counters, and hints about head and history beside them. */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Drain } from '../../core/drain.ts';
import type { Ledger, ParkedTotals, QueueHead } from '../ports/ledger.ts';
import { keyOf } from './keys.ts';
import { retryingConflicts, type Table } from './table.ts';

type Totals = Pick<Ledger, 'parkedCount' | 'headOf' | 'parkedFor' | 'noteHead'>;

export function parkedTotals(table: Table): Totals {
  const read = async (workspaceId: string): Promise<ParkedTotals> => {
    const output = await table.client.send(
      new GetCommand({ TableName: table.name, Key: keyOf.parked(workspaceId), ConsistentRead: true }),
    );
    return totalsOf(output.Item);
  };
  return {
    parkedFor: read,
    parkedCount: async (workspaceId) => (await read(workspaceId)).count,
    headOf: async (workspaceId) => (await read(workspaceId)).head,

    async noteHead(workspaceId, head, drain) {
      await retryingConflicts(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.parked(workspaceId),
            UpdateExpression: head ? 'SET head = :head, drain = :drain' : 'SET drain = :drain',
            ExpressionAttributeValues: { ...(head && { ':head': head }), ':drain': drain },
          }),
        ),
      );
    },
  };
}

function totalsOf(item: Record<string, unknown> | undefined): ParkedTotals {
  const head = item?.['head'] as QueueHead | undefined;
  const emptySinceMs = item?.['emptySinceMs'];
  return {
    count: Number(item?.['count'] ?? 0),
    bytes: Number(item?.['bytes'] ?? 0),
    ...(head && { head }),
    drain: (item?.['drain'] as Drain | undefined) ?? {},
    ...(typeof emptySinceMs === 'number' && { emptySinceMs }),
  };
}
