/** After each file: every receipt that the tests have left behind is judged again, and must say the same again. */
import { ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, expect, inject } from 'vitest';
import { judge } from '../../core/judge.ts';
import type { Receipt } from '../../core/receipt.ts';
import { adminClients } from '../../local/clients.ts';

async function receipts(): Promise<Receipt[]> {
  const local = inject('local');
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

afterAll(async () => {
  for (const receipt of await receipts()) {
    for (const { facts, judgement } of receipt.looks) {
      expect(judge(facts, receipt.policy), `replay of ${receipt.verdictId}`).toEqual(judgement);
    }
  }
});
