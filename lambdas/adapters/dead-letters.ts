/**
 * Dead letters: requests that were given up, with the bytes that their message had. The bytes go into the table, in
 * pieces, since an item holds 400 KB: the queue can't be asked for one message.
 */
import { PutCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { ParkedMessage } from '../../core/messages.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import { parkedMessage } from '../schemas/messages.ts';
import { BYTES_PREFIX, keyOf, listKey, ttlSeconds } from './keys.ts';
import { countIn, KEPT_AFTER_END_MS, putRequest } from './ledger-items.ts';
import { listedRequests, readRequest } from './ledger-reads.ts';
import { failedConditions, retryingConflicts, type Table } from './table.ts';

/** Characters of base64 and JSON, one byte each in UTF-8 as far as headers allow: well under an item's 400 KB. */
const PIECE_CHARACTERS = 180_000;

export function deadLetters(table: Table): DeadLetters {
  return {
    async keep(message, atMs) {
      const text = JSON.stringify(message);
      const count = Math.ceil(text.length / PIECE_CHARACTERS);
      for (let index = 0; index < count; index += 1) {
        await table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: {
              ...keyOf.bytes(message.requestId, index),
              piece: text.slice(index * PIECE_CHARACTERS, (index + 1) * PIECE_CHARACTERS),
              count,
              ttl: ttlSeconds(atMs + KEPT_AFTER_END_MS),
            },
          }),
        );
      }
    },

    read: (requestId) => readMessage(table, requestId),

    list: (limit, cursor) =>
      listedRequests(table, { list: listKey.deadLetters, limit, cursor, newestFirst: true }),

    async acceptAgain(deadLetter, request, parkedMax) {
      try {
        await retryingConflicts(() =>
          table.client.send(
            new TransactWriteCommand({
              TransactItems: [
                markRedriven(table, deadLetter.requestId, deadLetter.redrivenAs, request.requestId),
                putRequest(table, request),
                countIn(table, request, parkedMax),
              ],
            }),
          ),
        );
        return 'accepted';
      } catch (error) {
        const failed = failedConditions(error);
        if (!failed) throw error;
        if (failed.includes(2)) return 'full';
        const now = await readRequest(table, deadLetter.requestId);
        // Our own mark means that our first try was done and only its answer was lost.
        return now?.redrivenAs === request.requestId ? 'accepted' : 'redriven';
      }
    },
  };
}

/** The old row stays as it ended; it only remembers what was made of it, so that it is made once. */
function markRedriven(table: Table, requestId: string, before: string | undefined, as: string) {
  return {
    Update: {
      TableName: table.name,
      Key: keyOf.request(requestId),
      UpdateExpression: 'SET redrivenAs = :as',
      ConditionExpression:
        '#state = :dead AND ' +
        (before === undefined ? 'attribute_not_exists(redrivenAs)' : 'redrivenAs = :before'),
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':as': as,
        ':dead': 'dead-lettered',
        ...(before !== undefined && { ':before': before }),
      },
    },
  };
}

async function readMessage(table: Table, requestId: string): Promise<ParkedMessage | undefined> {
  const pieces: Record<string, unknown>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    // A page ends after 1 MB, which the pieces of one message may exceed.
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :bytes)',
        ExpressionAttributeValues: { ':pk': keyOf.request(requestId).pk, ':bytes': BYTES_PREFIX },
        ConsistentRead: true,
        ExclusiveStartKey: start,
      }),
    );
    pieces.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  if (pieces.length === 0 || pieces.length !== Number(pieces[0]?.['count'])) return undefined;
  const parsed = parkedMessage.safeParse(JSON.parse(pieces.map((item) => String(item['piece'])).join('')));
  return parsed.success ? parsed.data : undefined;
}
