/** Receipts as they are stored, judged again: `judge` is pure, and a receipt holds all that it was told (S36). */
import { ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import { judge } from '../../core/judge.ts';
import type { Receipt } from '../../core/receipt.ts';
import { adminClients } from '../../local/clients.ts';
import { ownStack } from './stacks.ts';

async function receipts(): Promise<Receipt[]> {
  const local = ownStack().info;
  const admin = adminClients(local);
  const found: Receipt[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await admin.dynamodb.send(
      new ScanCommand({ TableName: local.tableName, ...(start && { ExclusiveStartKey: start }) }),
    );
    for (const item of page.Items ?? []) {
      if (item['sk']?.S?.startsWith('VERDICT#')) found.push(unmarshall(item)['receipt'] as Receipt);
    }
    start = page.LastEvaluatedKey;
  } while (start);
  admin.destroy();
  return found;
}

/** Judges every look of every stored receipt again, and gives the receipts; a difference fails by the verdict's id. */
export async function replayedReceipts(): Promise<Receipt[]> {
  const found = await receipts();
  for (const { verdictId, policy, looks } of found) {
    for (const { facts, judgement } of looks) {
      expect(judge(facts, policy), `replay of ${verdictId}`).toEqual(judgement);
    }
  }
  return found;
}
