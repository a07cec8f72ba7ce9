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
/** A clock that is further off is one of those that nobody heeds. */
const MOST_MINUTES_UNSURE = 60;

export function ec2Health(table: Table, log: Log): Ec2Health {
  return {
    async recent({ earliestMs, latestMs }) {
      const latest = minuteOf(latestMs);
      const unsure = Math.min(latest - minuteOf(earliestMs), MOST_MINUTES_UNSURE);
      const Keys = Array.from({ length: unsure + MINUTES_READ }, (_, ago) => keyOf.ec2Answers(latest - ago));
      const output = await table.client.send(
        new BatchGetCommand({ RequestItems: { [table.name]: { Keys, ConsistentRead: true } } }),
      );
      // Not known is not good: the caller tries again.
      if (Object.keys(output.UnprocessedKeys ?? {}).length > 0) throw new Error('the reads were throttled');
      const found = new Map((output.Responses?.[table.name] ?? []).map((item) => [item['sk'], item]));
      const minutes = Keys.map(({ sk }) => found.get(sk) ?? {});
      // Of all the minutes that this may be, the one that looks worst.
      return Array.from({ length: unsure + 1 }, (_, ago) => minutes.slice(ago, ago + MINUTES_READ))
        .map((last) => ({ answered: sumOf(last, 'answered'), failed: sumOf(last, 'failed') }))
        .reduce((worst, each) => (each.failed > worst.failed ? each : worst));
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
