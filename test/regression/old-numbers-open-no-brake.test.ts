/**
 * Found by the simulator (swarm seed 135214): a sweep stood still for seven minutes and then opened the brake by EC2's
 * failures of before, with a cool-down that was over already. Another one had closed it meanwhile.
 */
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { emptyFleet, swept } from '../../core/brake.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { received } from '../lambdas/calls.ts';
import { aRestartMessage } from '../lambdas/claimed.ts';
import { fleetItem, sizeItem } from '../lambdas/fleet-items.ts';
import {
  aClaim,
  aStoredWorkspace,
  dated,
  ec2Shows,
  holds,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  TABLE,
} from '../lambdas/mocked-aws.ts';

const FROZEN_FOR_MS = 7 * 60_000;
const policy = policyOf(defaultSettings);
const fleet = fleetItem();
const size = sizeItem();
const badMinute = { pk: 'FLEET', sk: `EC2#${Math.floor(NOW_MS / 60_000)}`, answered: 3, failed: 17 };

let aws: ReturnType<typeof mockedAws>;
let nowMs: number;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  nowMs = NOW_MS;
  const over = portsOver(aws);
  ports = { ...over, clock: { ...over.clock, nowMs: () => nowMs } };
  aws.dynamo.on(QueryCommand).resolves({ Items: [], $metadata: dated() });
  const claim = { ...aClaim(), step: 'awaiting-admission' } as const;
  holds(aws, aStoredWorkspace({ generation: 4, claim }), [fleet, size, badMinute]);
  ec2Shows(aws, 'stopped');
});

/** The sandbox freezes while it is told how large the fleet is. */
function freezesFor(ms: number): void {
  aws.dynamo.on(GetCommand, { Key: { pk: 'FLEET', sk: 'SIZE' } }).callsFake(() => {
    nowMs += ms;
    return { Item: size, $metadata: dated() };
  });
}
const written = () =>
  aws.dynamo.commandCalls(PutCommand).filter((call) => call.args[0].input.Item?.['sk'] === 'BRAKE');

it.each([
  { forMs: 0, then: 'opens the brake', writes: 1 },
  { forMs: FROZEN_FOR_MS, then: 'writes nothing: the next one knows more', writes: 0 },
])(
  'a sweep by which EC2 answers badly, that stood still for $forMs ms - $then',
  async ({ forMs, writes }) => {
    freezesFor(forMs);
    await handleSweep({ ...ports, due: dueWork(openTable(TABLE)) });
    expect(written()).toHaveLength(writes);
  },
);

it.each([
  { forMs: 0, then: 'opens the brake', writes: 1 },
  { forMs: FROZEN_FOR_MS, then: 'writes nothing, and asks again in a moment', writes: 0 },
])('a claim that asks for admission, and stood still for $forMs ms - $then', async ({ forMs, writes }) => {
  freezesFor(forMs);
  const settled = await handleRestarts([received(aRestartMessage())], ports);
  expect(written()).toHaveLength(writes);
  expect(settled.get('message-1')).toMatchObject({ kind: 'again', ...(forMs > 0 && { afterSeconds: 1 }) });
});

it('a forced claim that was read minutes ago, out of a sandbox that stood still - is given no slot: it may be over', async () => {
  const claim = { ...aClaim(), step: 'awaiting-admission', forced: true } as const;
  const workspace = aStoredWorkspace({ generation: 4, claim });
  holds(aws, workspace, [fleet, size]);
  const restart = async () => (await handleRestarts([received(aRestartMessage())], ports)).get('message-1');
  aws.dynamo.on(GetCommand, { Key: { pk: 'WS#ws-1', sk: 'STATE' } }).callsFake(() => {
    nowMs += FROZEN_FOR_MS;
    return { Item: itemOf(workspace), $metadata: dated() };
  });
  expect(await restart()).toEqual({ kind: 'again', afterSeconds: 1 });
  expect(written()).toEqual([]);
  holds(aws, workspace, [fleet, size]);
  await restart();
  expect(written()).toHaveLength(1);
});

it('EC2 answers badly, and the sweep is of an older time than the cool-down - the brake closes no sooner for that', () => {
  const closesAtMs = NOW_MS + policy.brakeWindowMs + 60_000;
  const open = { ...emptyFleet, brake: 'open', openedAtMs: NOW_MS, closesAtMs } as const;
  const now = { earliestMs: NOW_MS, latestMs: NOW_MS };
  expect(swept(open, now, policy, { workspaceCount: 40, ec2: { answered: 3, failed: 17 } })).toMatchObject({
    closesAtMs,
  });
});
