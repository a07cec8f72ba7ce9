/** A workspace whose instance stays in no clear state, of which only the second look hears: deliver reports it (V5, V7). */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from './calls.ts';
import { memoryTable, type MemoryTable } from './memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

const MINUTE_MS = 60_000;
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: MemoryTable;
let nowMs: number;
let reports: number;
beforeEach(() => {
  aws = mockedAws();
  nowMs = NOW_MS;
  reports = 0;
  table = memoryTable(aws, () => nowMs);
  table.put(itemOf(aStoredWorkspace({ freshUntilMs: 0, settleUntilMs: 0 })));
  ports = portsOver(aws);
});

/** What deliver sends: a verdict of its own each time. */
async function report() {
  reports += 1;
  const message = {
    ...{ v: 1 as const, kind: 'reprobe' as const, workspaceId: 'ws-1', instanceId: 'i-0123456789abcdef0' },
    ...{ generation: 3, epoch: 0, errorKind: 'unreachable' as const },
    verdictId: `01KAVERDCTAAAAAAAAAAAAAA${String(reports).padStart(2, '0')}`,
  };
  const clock = { ...ports.clock, nowMs: () => nowMs };
  const settled = await handleReprobes([received(message)], { ...ports, clock });
  return settled.get('message-1');
}
const kept = () => table.item('WS#ws-1', 'PROBE')?.['unclear'];
const stuck = () => ports.log.counted.filter((metric) => metric === 'WorkspaceStuck').length;

it('it is stopping for more than ten minutes - told by the eleventh report, busy all the while', async () => {
  ec2Shows(aws, 'stopping');
  for (let minute = 0; minute <= 11; minute++) {
    nowMs = NOW_MS + minute * MINUTE_MS;
    expect(await report()).toEqual({ kind: 'done' });
    expect(kept()).toMatchObject({ sinceMs: NOW_MS, lastMs: nowMs });
    expect(stuck()).toBe(minute > 10 ? 1 : 0);
  }
});

it('it is seen running meanwhile - what was kept is forgotten', async () => {
  ec2Shows(aws, 'stopping');
  await report();
  ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
  await report();
  expect(kept()).toBeUndefined();
});

it('EC2 cannot say - what was kept stands', async () => {
  ec2Shows(aws, 'stopping');
  await report();
  aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'TimeoutError' }));
  await report();
  expect(kept()).toMatchObject({ sinceMs: NOW_MS });
});

it('it cannot be read since when - the verdict is what it is all the same', async () => {
  ec2Shows(aws, 'stopping');
  const probeKey = { Key: { pk: 'WS#ws-1', sk: 'PROBE' } };
  aws.dynamo.on(GetCommand, probeKey).rejects(new Error('no table'));
  expect(await report()).toEqual({ kind: 'done' });
  expect(table.item('WS#ws-1', 'VERDICT#01KAVERDCTAAAAAAAAAAAAAA01')?.['receipt']).toMatchObject({
    verdict: 'busy',
    reason: 'stopping',
  });
});
