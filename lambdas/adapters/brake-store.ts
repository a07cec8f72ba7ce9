/** The fleet item: read consistently, replaced only at the revision that was read. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { emptyFleet, type Fleet } from '../../core/brake.ts';
import type { BrakeStore } from '../ports.ts';
import { keyOf } from './keys.ts';
import type { Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

const instant = z.number().check(z.minimum(0));
const fleetItem = z.object({
  revision: z.number(),
  brake: z.enum(['closed', 'open']),
  brakeBecause: z.optional(z.string()),
  openedAtMs: z.optional(instant),
  closesAtMs: z.optional(instant),
  pause: z.optional(z.object({ by: z.string(), reason: z.string(), untilMs: z.optional(instant) })),
  admitted: z.record(z.string(), z.object({ workspaceId: z.string(), deadlineMs: instant })),
  deaths: z.array(z.object({ workspaceId: z.string(), atMs: instant })),
});

export function brakeStore(table: Table): BrakeStore {
  return {
    /** Throws when the item cannot be understood: an unreadable brake admits nobody. */
    async read(): Promise<Fleet> {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.brake, ConsistentRead: true }),
      );
      return output.Item ? (fleetItem.parse(output.Item) as Fleet) : emptyFleet;
    },

    async replace(before, after) {
      const replaced = await conditionally(() =>
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: { ...keyOf.brake, ...after, revision: before.revision + 1 },
            ConditionExpression: 'attribute_not_exists(pk) OR revision = :revision',
            ExpressionAttributeValues: { ':revision': before.revision },
          }),
        ),
      );
      return replaced ? 'replaced' : 'lost';
    },

    async workspaceCount() {
      const output = await table.client.send(new GetCommand({ TableName: table.name, Key: keyOf.size }));
      return Number(output.Item?.['workspaces'] ?? 0);
    },
  };
}
