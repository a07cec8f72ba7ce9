/**
 * Found by a review. A sandbox whose clock was five minutes ahead ended requests as expired five minutes before the time that
 * their 202 had promised (V1). Nothing is sent that may have expired (S21), but only what surely has is ended for it.
 */
import { beforeEach, expect, it } from 'vitest';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from '../lambdas/mocked-aws.ts';
import { aMessage, news, REQUEST, rowItem, totalsItem } from '../lambdas/parked.ts';

const MINUTE_MS = 60_000;

let aws: ReturnType<typeof mockedAws>;
let table: MemoryTable;
let sent: number;
beforeEach(() => {
  aws = mockedAws();
  table = memoryTable(aws, () => NOW_MS);
  table.put(itemOf(aStoredWorkspace()));
  table.put(totalsItem());
  ec2Shows(aws, 'running');
  sent = 0;
});

/** By a sandbox whose clock is that far ahead of the database's. */
const delivers = async (aheadMs: number) => {
  const ports = portsOver(aws, () => {
    sent += 1;
    return { kind: 'answered', response: { status: 200, headers: {}, body: '', truncated: false } };
  });
  const clock = { ...ports.clock, nowMs: () => NOW_MS + aheadMs };
  return (await handleDeliveries([received(aMessage())], { ...ports, clock })).get('message-1');
};
const state = () => table.item(`REQ#${REQUEST}`, 'REQUEST')?.['state'];

it('four minutes are left, and the clock is five ahead - not sent, not ended, and another sandbox delivers it', async () => {
  table.put(rowItem({ expiresAtMs: NOW_MS + 4 * MINUTE_MS }));
  expect(await delivers(5 * MINUTE_MS)).toEqual({ kind: 'again', afterSeconds: 2 });
  expect([state(), sent]).toEqual(['parked', 0]);
  expect(table.item('WS#ws-1', 'PARKED')?.['drain']).not.toHaveProperty('unreadySinceMs');
  expect(await delivers(0)).toEqual({ kind: 'done' });
  expect([state(), sent]).toEqual(['delivered', 1]);
});

it('its time is over, and the clock is five minutes behind - not sent; who has the right time ends it', async () => {
  table.put(rowItem({ expiresAtMs: NOW_MS - MINUTE_MS }));
  expect(await delivers(-5 * MINUTE_MS)).toEqual({ kind: 'again', afterSeconds: 2 });
  expect(await delivers(0)).toEqual({ kind: 'done' });
  expect([state(), sent]).toEqual(['expired', 0]);
  expect(news(aws)).toMatchObject([{ type: 'request.expired' }]);
});
