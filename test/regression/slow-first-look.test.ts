/**
 * Found by a review. The evidence of a call was stamped with the call's arrival, not with its look: when EC2, or the way to
 * it, took nine seconds, the sweep found it due at once, and the second look came 200 ms after the first, and claimed (S4).
 */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import type { Evidence } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aRequest, forwardError, received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import {
  aStoredWorkspace,
  dated,
  ec2Shows,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  TABLE,
} from '../lambdas/mocked-aws.ts';
import { sentTo } from '../lambdas/parked.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: MemoryTable;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => ports.clock.nowMs());
  table.put(itemOf(aStoredWorkspace()));
});

/** EC2 says stopped after that long; after it, at once. */
const ec2Takes = (tookMs: number) => {
  const stopped = { InstanceId: 'i-0123456789abcdef0', State: { Name: 'stopped' as const } };
  aws.ec2.on(DescribeInstancesCommand).callsFake(() => {
    ports.clock.advance(tookMs);
    ec2Shows(aws, 'stopped');
    return { Reservations: [{ Instances: [{ ...stopped, LaunchTime: new Date(NOW_MS - 7_200_000) }] }] };
  });
};
/** `aheadMs`: of the function's clock, as the gateway sees it. */
const fails = ({ aheadMs = 0, request }: { aheadMs?: number; request?: object } = {}) => {
  const now = { earliestMs: NOW_MS - aheadMs, latestMs: NOW_MS };
  const body = { error: { kind: 'refused' }, ...(request && { request }) };
  return handleForwardError(forwardError(body, { now, gatewayTimeMs: NOW_MS }), ports);
};
const workspace = () => table.item('WS#ws-1', 'STATE');
const evidence = () => workspace()?.['evidence'] as Evidence | undefined;

it('EC2 takes nine seconds - the sweep leaves it alone, and a second look a moment later waits', async () => {
  ec2Takes(9000);
  expect(await fails()).toMatchObject({ body: { reason: 'suspect' } });
  expect(evidence()?.atMs).toBe(NOW_MS + 9000);
  expect(workspace()).toMatchObject({ dueAt: NOW_MS + 19_000 });
  ports.clock.advance(200);
  const message = received(sentTo(aws, 'reprobe')[0]?.message as never, { firstReceivedAtMs: NOW_MS });
  expect((await handleReprobes([message], ports)).get('message-1')).toEqual({
    kind: 'again',
    afterSeconds: 1,
  });
  expect(workspace()).not.toHaveProperty('claim');
  ports.clock.advance(1800);
  await handleSweep({ ...ports, due: dueWork(openTable(TABLE)) });
  expect(sentTo(aws, 'reprobe')).toHaveLength(1);
});

it('by a clock that is three seconds behind the gateway - stamped by that of the gateway, and the time since', async () => {
  ports.clock.advance(-3000);
  ec2Takes(4000);
  await fails({ aheadMs: 3000 });
  expect(evidence()?.atMs).toBe(NOW_MS + 4000);
});

it.each([
  [10_000, { reason: 'suspect' }],
  [10_001, { reason: 'probe-inconclusive' }],
])(
  'EC2 takes %i ms - %j: what is older saw the sandbox stand still, and says nothing',
  async (tookMs, body) => {
    ec2Takes(tookMs);
    expect(await fails({ request: aRequest })).toMatchObject({ status: 202, body });
    expect(evidence() === undefined).toBe(body.reason !== 'suspect');
  },
);

it('it uses the look of another call - stamped with the time at which it was read, after which it was not made', async () => {
  const lastProbe = {
    ...{ atMs: NOW_MS - 500, generation: 3 },
    probe: {
      ...{ kind: 'seen', state: 'stopped' },
      ...{ instanceId: 'i-0123456789abcdef0', launchTimeMs: NOW_MS - 7_200_000 },
    },
  };
  table.put({ pk: 'WS#ws-1', sk: 'PROBE', leaseUntilMs: NOW_MS + 500, lastProbe });
  aws.dynamo.on(BatchGetCommand).callsFake((input) => {
    ports.clock.advance(3000);
    const found = table.run(new BatchGetCommand(input as never)) as object;
    return { ...found, $metadata: dated(ports.clock.nowMs()) };
  });
  expect(await fails()).toMatchObject({ body: { reason: 'suspect' } });
  expect(evidence()?.atMs).toBe(NOW_MS + 3000);
});
