/** The fleet item: read consistently, replaced only at the revision that was read. */
import { randomUUID } from 'node:crypto';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { brakeCauses, emptyFleet, UnreadableBrakeError, type Fleet } from '../../core/brake.ts';
import type { BrakeStore } from '../ports/fleet.ts';
import { keyOf } from './keys.ts';
import { retryingConflicts, type Table } from './table.ts';
import { itemOfFailure } from './workspace-conditions.ts';

const instant = z.number().check(z.minimum(0));
const count = z.number().check(z.int(), z.minimum(0));
const text = z.string();
// Loose: the item is written anew as a whole, and what a newer version keeps in it must survive that (S32).
const death = z.looseObject({
  workspaceId: text,
  atMs: instant,
  isSilent: z.optional(z.boolean()),
  zone: z.optional(text),
  image: z.optional(text),
  version: z.optional(text),
  reporter: z.optional(text),
});
const ramp = z.looseObject({
  size: count.check(z.minimum(1)),
  running: z.array(text),
  done: count,
  sinceMs: instant,
});
const fleetItem = z.looseObject({
  revision: z.number(),
  brake: z.enum(['closed', 'open']),
  brakeCause: z.optional(z.enum(brakeCauses)),
  brakeBecause: z.optional(z.string()),
  openedAtMs: z.optional(instant),
  closesAtMs: z.optional(instant),
  forgivenUntilMs: z.optional(instant),
  ramp: z.optional(ramp),
  pause: z.optional(z.looseObject({ by: z.string(), reason: z.string(), untilMs: z.optional(instant) })),
  admitted: z.record(z.string(), z.looseObject({ workspaceId: z.string(), deadlineMs: instant })),
  deaths: z.array(death),
});

export function brakeStore(table: Table): BrakeStore {
  return {
    async read(): Promise<Fleet> {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.brake, ConsistentRead: true }),
      );
      if (!output.Item) return emptyFleet;
      const result = fleetItem.safeParse(output.Item);
      if (!result.success) throw new UnreadableBrakeError('the fleet item cannot be read by this version');
      return result.data as Fleet;
    },

    async replace(before, after) {
      // The SDK repeats a write whose answer was lost: whoever opened the brake must know it, since nobody else tells.
      const writtenBy = randomUUID();
      const write = (): Promise<unknown> =>
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: { ...keyOf.brake, ...after, revision: before.revision + 1, writtenBy },
            ConditionExpression: 'attribute_not_exists(pk) OR revision = :revision',
            ExpressionAttributeValues: { ':revision': before.revision },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
      try {
        await retryingConflicts(write);
        return 'replaced';
      } catch (error) {
        const found = itemOfFailure(error);
        if (found === undefined) throw error;
        return found['writtenBy'] === writtenBy ? 'replaced' : 'lost';
      }
    },

    async workspaceCount() {
      const output = await table.client.send(new GetCommand({ TableName: table.name, Key: keyOf.size }));
      return Number(output.Item?.['workspaces'] ?? 0);
    },
  };
}
