/**
 * Found by a review. A verdict refused the request that it had held back (503 dead, come back in 10 s), and its key kept the
 * 202 of before: who came back was promised, for a day, what had ended, and nobody looked at the workspace any more (V3).
 */
import { beforeEach, expect, it } from 'vitest';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Answer } from '../../core/answer.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { aRequest, forwardError, received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from '../lambdas/mocked-aws.ts';
import { sentTo } from '../lambdas/parked.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: MemoryTable;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => ports.clock.nowMs());
  table.put(itemOf(aStoredWorkspace()));
  ec2Shows(aws, 'stopped');
});

const calls = (prefer = '', over: Partial<typeof ports> = {}): Promise<Answer> => {
  const nowMs = ports.clock.nowMs();
  const changes = { headers: { prefer }, now: { earliestMs: nowMs, latestMs: nowMs } };
  const call = forwardError({ error: { kind: 'refused' }, request: aRequest }, changes);
  return handleForwardError(call, { ...ports, ...over });
};
const looksAgain = () => {
  const times = { sentAtMs: NOW_MS, firstReceivedAtMs: ports.clock.nowMs() };
  return handleReprobes([received(sentTo(aws, 'reprobe')[0]?.message as never, times)], ports);
};
const delivers = () => handleDeliveries([received(sentTo(aws, 'parked')[0]?.message as never)], ports);
const idOf = ({ body }: Answer) => String(body?.['requestId']);
// The table knows no types: this is what the code has written.
const rowOf = (requestId: string) =>
  table.item(`REQ#${requestId}`, 'REQUEST') as unknown as ParkedRequest | undefined;

/** Pending, and then refused by what the second look has found. */
const isRefused = async (state: string): Promise<string> => {
  const pending = await calls();
  expect(pending).toMatchObject({ status: 202, body: { code: 'pending' } });
  ports.clock.advance(2500);
  ec2Shows(aws, state);
  await looksAgain();
  await delivers();
  expect(rowOf(idOf(pending))?.state).toBe('refused');
  return idOf(pending);
};

it('who waited was told dead, and comes back - judged anew, and what it is promised now is parked', async () => {
  let hasLooked = false;
  const sleep = async (ms: number): Promise<void> => {
    ports.clock.advance(ms);
    if (hasLooked || ports.clock.nowMs() < NOW_MS + 2500) return;
    hasLooked = true;
    await looksAgain();
  };
  const first = await calls('wait=10', { clock: { ...ports.clock, sleep } });
  expect(first).toMatchObject({ status: 503, body: { code: 'dead' } });
  ports.clock.advance(1000 * Number(first.headers['retry-after']));
  const second = await calls();
  expect(second).toMatchObject({ status: 202, body: { code: 'parked', reason: 'restarting' } });
  expect(rowOf(idOf(second))?.state).toBe('parked');
});

it('who did not wait: its request was refused as agent-restarting - judged anew as well', async () => {
  const before = await isRefused('running');
  ports.clock.advance(5000);
  ec2Shows(aws, 'stopped');
  const again = await calls();
  expect(again).toMatchObject({ status: 202, body: { code: 'pending' } });
  expect(idOf(again)).not.toBe(before);
  expect(sentTo(aws, 'reprobe')).toHaveLength(2);
});

it('an attempt was made before its verdict came - it keeps its key: an agent may have it, and gets no other copy', async () => {
  const pending = await calls();
  table.put({ ...table.item(`REQ#${idOf(pending)}`, 'REQUEST'), attempts: 1 });
  ports.clock.advance(2500);
  await looksAgain();
  await delivers();
  expect(rowOf(idOf(pending))).toMatchObject({ state: 'refused', why: 'dead' });
  expect(await calls()).toEqual(pending);
});

it('it is refused between the read of its key and the read of its row - no 202', async () => {
  const pending = await calls();
  const { ledger } = ports;
  const read = async (requestId: string) => {
    ports.clock.advance(2500);
    await looksAgain();
    await delivers();
    return ledger.read(requestId);
  };
  const copy = await calls('', { ledger: { ...ledger, read } });
  expect(rowOf(idOf(pending))?.state).toBe('refused');
  expect(copy).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
});
