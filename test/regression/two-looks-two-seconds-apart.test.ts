/**
 * Found by the simulator. A re-probe with a clock that is behind, by less than anybody notices, stamped its sighting with
 * the full second that the database had told: three quarters of a second early, so that the second look came after 1.5 s
 * and claimed (swarm seed 114163, S4). And two copies of one message, by clocks that differ: one found the evidence
 * too old and wrote a pending receipt over that of the other, which was claiming (swarm seed 113648, S35).
 */
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import type { Evidence } from '../../core/workspace.ts';
import { receiptStore } from '../../lambdas/adapters/receipt-store.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import type { Receipt } from '../../core/receipt.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from '../lambdas/calls.ts';
import { aReprobeMessage, VERDICT } from '../lambdas/claimed.ts';
import { memoryTable } from '../lambdas/memory-table.ts';
import {
  aStoredWorkspace,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  TABLE,
} from '../lambdas/mocked-aws.ts';
import { conditionFailed } from '../lambdas/refused-writes.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

/** A re-probe whose clock is that far behind; the database answers in the last millisecond of a second. */
async function reprobe(behindMs: number) {
  const over = portsOver(aws);
  const clock = { ...over.clock, nowMs: () => NOW_MS + 999 - behindMs };
  const sent = { sentAtMs: NOW_MS - 60_000, firstReceivedAtMs: NOW_MS - 60_000 };
  return (await handleReprobes([received(aReprobeMessage(), sent)], { ...over, clock })).get('message-1');
}

it.each([0, 700, 3000, 5000])(
  'a first sighting by a clock that is %i ms behind - its evidence is no older than it says',
  async (behindMs) => {
    holds(aws, aStoredWorkspace());
    ec2Shows(aws, 'stopped');
    expect(await reprobe(behindMs)).toEqual({ kind: 'again', afterSeconds: 2 });
    const [written] = aws.dynamo
      .commandCalls(UpdateCommand)
      .flatMap((call) => call.args[0].input.ExpressionAttributeValues?.[':evidence'] as Evidence | undefined);
    expect(written?.atMs).toBeGreaterThanOrEqual(NOW_MS + 999);
    expect(written?.atMs).toBeLessThanOrEqual(NOW_MS + 1000);
  },
);

it('another copy is claiming by the same verdict - the evidence is not written anew, and the next receive looks', async () => {
  holds(aws, aStoredWorkspace());
  ec2Shows(aws, 'stopped');
  aws.dynamo.on(PutCommand).rejects(conditionFailed());
  expect(await reprobe(0)).toEqual({ kind: 'again', afterSeconds: 1 });
  expect(aws.dynamo.commandCalls(UpdateCommand)).toEqual([]);
});

it('a receipt that says dead by intent - stays so under a pending copy, and ends as whoever claims says', async () => {
  memoryTable(aws, () => NOW_MS);
  const receipts = receiptStore(openTable(TABLE));
  const pending = {
    verdictId: VERDICT,
    workspaceId: 'ws-1',
    verdict: 'pending',
    openedAtMs: NOW_MS,
  } as Receipt;
  expect(await receipts.put(pending)).toBe('written');
  expect(await receipts.put({ ...pending, intent: 'dead' })).toBe('written');
  expect(await receipts.put(pending)).toBe('stands');
  expect(await receipts.read('ws-1', VERDICT)).toMatchObject({ intent: 'dead' });
  expect(await receipts.put({ ...pending, intent: 'dead' })).toBe('written');
  expect(await receipts.put({ ...pending, verdict: 'busy' })).toBe('written');
  expect(await receipts.put({ ...pending, intent: 'dead' })).toBe('stands');
});
