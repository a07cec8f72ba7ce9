/** Receipts: one item a verdict chain. A final one never changes again. */
import { GetCommand, PutCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { isFinal, RECEIPT_LIFE_MS, type Receipt } from '../../core/receipt.ts';
import { verdicts } from '../../core/verdict.ts';
import type { JudgedWrite, ReceiptStore } from '../ports/receipts.ts';
import { keyOf, ttlSeconds, VERDICT_PREFIX } from './keys.ts';
import { cursorOf, failedConditions, keyOfCursor, retryingConflicts, type Table } from './table.ts';
import { conditionally } from './workspace-conditions.ts';

export function receiptStore(table: Table): ReceiptStore {
  return {
    async put(receipt) {
      const written = await conditionally(() =>
        table.client.send(new PutCommand(putReceipt(table, receipt))),
      );
      return written ? 'written' : 'stands';
    },

    async putOrder(order) {
      await table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: {
            ...keyOf.order(order.workspaceId, order.orderId),
            order,
            ttl: ttlSeconds(order.atMs + RECEIPT_LIFE_MS),
          },
        }),
      );
    },

    async read(workspaceId, verdictId) {
      const output = await table.client.send(
        new GetCommand({
          TableName: table.name,
          Key: keyOf.receipt(workspaceId, verdictId),
          ConsistentRead: true,
        }),
      );
      return readReceipt(output.Item);
    },

    async list(workspaceId, limit, cursor) {
      const { pk } = keyOf.workspace(workspaceId);
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :verdict)',
          ExpressionAttributeValues: { ':pk': pk, ':verdict': VERDICT_PREFIX },
          ScanIndexForward: false,
          Limit: limit,
          ExclusiveStartKey: keyOfCursor(cursor, { pk, sk: /^VERDICT#[0-9A-Z]{26}$/ }),
        }),
      );
      const receipts = (page.Items ?? []).flatMap((item) => readReceipt(item) ?? []);
      return { receipts, ...cursorOf(page.LastEvaluatedKey) };
    },

    async putJudged(judged) {
      const items = judgedItems(table, judged);
      if (items.length === 0) return 'written';
      try {
        await retryingConflicts(() => table.client.send(new TransactWriteCommand({ TransactItems: items })));
        return 'written';
      } catch (error) {
        const answerIndex = judged.firstAnswer ? items.length - 1 : -1;
        if (failedConditions(error)?.includes(answerIndex)) return 'repeated';
        throw error;
      }
    },
  };
}

type TransactItems = NonNullable<ConstructorParameters<typeof TransactWriteCommand>[0]['TransactItems']>;

/** The transaction items of a judged call: receipt, last probe, first answer; each only where there is one. */
export function judgedItems(
  table: Table,
  { receipt, probe, firstAnswer, about }: JudgedWrite,
): TransactItems {
  const items: TransactItems = [];
  if (receipt) items.push({ Put: putReceipt(table, receipt) });
  if (probe) {
    const { unclear, ...lastProbe } = probe;
    items.push({
      Update: {
        TableName: table.name,
        Key: keyOf.probe(about.workspaceId),
        UpdateExpression: `SET lastProbe = :probe${unclear ? ', unclear = :unclear' : ' REMOVE unclear'}`,
        ExpressionAttributeValues: { ':probe': lastProbe, ...(unclear && { ':unclear': unclear }) },
      },
    });
  }
  if (firstAnswer) {
    items.push({
      Put: {
        TableName: table.name,
        Item: {
          ...keyOf.idempotency(firstAnswer.key),
          value: firstAnswer.value,
          expiresAtMs: about.atMs + firstAnswer.lifeMs,
          ttl: ttlSeconds(about.atMs + firstAnswer.lifeMs),
        },
        // TTL removes rows days late: an expired one that is still there does not hold its key (D7).
        ConditionExpression: 'attribute_not_exists(pk) OR expiresAtMs < :now',
        ExpressionAttributeValues: { ':now': about.atMs },
      },
    });
  }
  return items;
}

function putReceipt(table: Table, receipt: Receipt) {
  const isPending = receipt.verdict === 'pending' && receipt.intent === undefined;
  // A copy of the same message that comes to pending must not unsay the intent of one that claims at this moment (S35).
  const isOpen = isPending ? '#final = :no AND attribute_not_exists(receipt.intent)' : '#final = :no';
  return {
    TableName: table.name,
    Item: {
      ...keyOf.receipt(receipt.workspaceId, receipt.verdictId),
      receipt,
      final: isFinal(receipt),
      ttl: ttlSeconds(receipt.openedAtMs + RECEIPT_LIFE_MS),
    },
    ConditionExpression: `attribute_not_exists(pk) OR (${isOpen})`,
    ExpressionAttributeNames: { '#final': 'final' },
    ExpressionAttributeValues: { ':no': false },
  };
}

export function readReceipt(item: Record<string, unknown> | undefined): Receipt | undefined {
  const receipt = item?.['receipt'] as Receipt | undefined;
  return receipt && verdicts.includes(receipt.verdict) ? receipt : undefined;
}
