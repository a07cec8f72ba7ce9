/** How EC2 answers: one small item a minute, which every function that asks EC2 adds to, and the brake reads. */
import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Ec2Health } from '../ports/fleet.ts';
import type { Log } from '../ports/log.ts';
import { keyOf, ttlSeconds } from './keys.ts';
import type { Table } from './table.ts';

const MINUTE_MS = 60_000;
/** The minute that has begun and the two before it. */
const MINUTES_READ = 3;
const KEPT_MS = 3_600_000;

export function ec2Health(table: Table, log: Log): Ec2Health {
  return {
    async recent(nowMs) {
      const minute = minuteOf(nowMs);
      const Keys = Array.from({ length: MINUTES_READ }, (_, ago) => keyOf.ec2Answers(minute - ago));
      const output = await table.client.send(
        new BatchGetCommand({ RequestItems: { [table.name]: { Keys, ConsistentRead: true } } }),
      );
      // Not known is not good: the caller tries again.
      if (Object.keys(output.UnprocessedKeys ?? {}).length > 0) throw new Error('the reads were throttled');
      const minutes = output.Responses?.[table.name] ?? [];
      return { answered: sumOf(minutes, 'answered'), failed: sumOf(minutes, 'failed') };
    },

    async note({ answered, failed }, nowMs) {
      try {
        await table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: keyOf.ec2Answers(minuteOf(nowMs)),
            UpdateExpression: 'ADD answered :answered, failed :failed SET #ttl = :ttl',
            ExpressionAttributeNames: { '#ttl': 'ttl' },
            ExpressionAttributeValues: {
              ':answered': answered,
              ':failed': failed,
              ':ttl': ttlSeconds(nowMs + KEPT_MS),
            },
          }),
        );
      } catch (error) {
        log.error('answers of EC2 not counted', { answered, failed }, error);
      }
    },
  };
}

function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS);
}

function sumOf(items: readonly Record<string, unknown>[], name: string): number {
  return items.reduce((sum, item) => sum + (Number(item[name]) || 0), 0);
}
