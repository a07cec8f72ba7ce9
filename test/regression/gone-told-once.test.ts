/**
 * Found by a review. Each time that a parked request of a terminated instance was put off, deliver looked, reported, and the
 * second look found it gone once more: the event by which replacements are launched came again every minute (S18).
 */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { beforeEach, expect, it } from 'vitest';
import type { Evidence, Workspace } from '../../core/workspace.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from '../lambdas/mocked-aws.ts';
import { aMessage, news, rowItem, sentTo, totalsItem } from '../lambdas/parked.ts';

const INSTANCE = 'i-0123456789abcdef0';
const FIRST = '01KAVERDCTAAAAAAAAAAAAAAAA';
const SECOND = '01KAVERDCTBBBBBBBBBBBBBBBB';
const gone = { verdictId: FIRST, atMs: NOW_MS - 60_000, instanceId: INSTANCE };

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: MemoryTable;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => ports.clock.nowMs());
});

const begins = (changes: Partial<Workspace> = {}) => {
  table.put(itemOf(aStoredWorkspace(changes)));
  table.put(rowItem());
  table.put(totalsItem());
  ec2Shows(aws, 'terminated');
};
const told = () => news(aws).filter(({ type }) => type === 'workspace.gone');
const looks = () => aws.ec2.commandCalls(DescribeInstancesCommand).length;
const looksAgain = async (body: object) => {
  const nowMs = ports.clock.nowMs();
  const message = received(body as never, { sentAtMs: nowMs - 2500, firstReceivedAtMs: nowMs - 2500 });
  return (await handleReprobes([message], ports)).get('message-1');
};
const delivers = async () =>
  (await handleDeliveries([received(aMessage(), { firstReceivedAtMs: NOW_MS })], ports)).get('message-1');
const receiptOf = (verdictId: string) => table.item('WS#ws-1', `VERDICT#${verdictId}`)?.['receipt'];

it('a request waits for a terminated instance, and is put off again and again - told once, and asked no more', async () => {
  begins();
  for (let deferrals = 1; deferrals <= 5; deferrals += 1) {
    expect(await delivers()).toMatchObject({ kind: 'again' });
    const report = sentTo(aws, 'reprobe').at(-1)?.message ?? {};
    for (let receives = 1; receives <= 2; receives += 1) {
      await looksAgain(report);
      ports.clock.advance(3500);
    }
    ports.clock.advance(60_000);
  }
  expect(told()).toHaveLength(1);
  expect(ports.log.counted.filter((metric) => metric === 'WorkspaceGone')).toHaveLength(1);
  expect(sentTo(aws, 'reprobe')).toHaveLength(1);
  expect(table.item('REQ#01KAREQESTAAAAAAAAAAAAAAAA', 'REQUEST')).toMatchObject({ state: 'parked' });
});

it('its successor is registered - the request is delivered', async () => {
  begins({ gone: { ...gone, instanceId: 'i-0fedcba9876543210' } });
  ec2Shows(aws, 'running');
  const answered = { status: 200, headers: {}, body: '', truncated: false };
  const agents = { send: () => Promise.resolve({ kind: 'answered', response: answered } as const) };
  ports = { ...ports, agents };
  expect(await delivers()).toEqual({ kind: 'done' });
});

const chain = {
  ...{ v: 1, kind: 'reprobe', workspaceId: 'ws-1', instanceId: INSTANCE, generation: 3, epoch: 0 },
  ...{ verdictId: SECOND, errorKind: 'unreachable' },
};
const evidence: Evidence = {
  ...{ kind: 'stopped', verdictId: SECOND, atMs: NOW_MS - 2500, generation: 3, instanceId: INSTANCE },
  ...{ bootId: 'boot-a', seq: 41, launchTimeMs: NOW_MS - 7_200_000, round: 0 },
};

it.each([
  ['has no evidence yet', {}],
  ['has evidence of its own', { evidence }],
])(
  'a chain that was under way when another found it gone, and %s - ends as dead, without news',
  async (_what, has) => {
    begins({ gone, ...has });
    expect(await looksAgain(chain)).toEqual({ kind: 'done' });
    expect(receiptOf(SECOND)).toMatchObject({ verdict: 'dead', reason: 'terminated', act: 'none' });
    expect(told()).toEqual([]);
    expect(ports.log.counted).not.toContain('WorkspaceGone');
    expect(table.item('WS#ws-1', 'STATE')).toMatchObject({ gone });
    expect(table.item('WS#ws-1', 'STATE')).not.toHaveProperty('evidence');
  },
);

it.each([
  ['running', { verdict: 'alive' }],
  ['stopping', { verdict: 'busy', reason: 'stopping' }],
  ['stopped', { verdict: 'pending', reason: 'suspect' }],
])('a chain of what is gone, and EC2 says %s - judged by what EC2 says', async (state, verdict) => {
  begins({ gone });
  ec2Shows(aws, state);
  await looksAgain(chain);
  expect(receiptOf(SECOND)).toMatchObject(verdict);
  expect(looks()).toBe(1);
});
