/** How long a chain of looks may go on: never past a minute, never past its rounds, and it ends busy. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import type { Evidence } from '../../core/workspace.ts';
import { received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
const evidence: Evidence = {
  ...{ kind: 'stopped', verdictId: VERDICT, atMs: NOW_MS - 2000, generation: 3, round: 0 },
  ...{ instanceId: 'i-0123456789abcdef0', bootId: 'boot-a', seq: 41, launchTimeMs: NOW_MS - 7_200_000 },
};
let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

/** The chain's next message, of a verdict that was opened so long ago. */
async function looksAgain(openedAgoMs: number, changes: Partial<Evidence> = {}) {
  const receipt = {
    ...{
      verdictId: VERDICT,
      workspaceId: 'ws-1',
      verdict: 'pending',
      reason: 'suspect',
      looks: [],
      flip: [],
    },
    openedAtMs: NOW_MS - openedAgoMs,
  };
  holds(aws, aStoredWorkspace({ evidence: { ...evidence, ...changes } }), [
    { pk: 'WS#ws-1', sk: `VERDICT#${VERDICT}`, receipt },
  ]);
  const message = {
    ...{ v: 1 as const, kind: 'reprobe' as const, workspaceId: 'ws-1', instanceId: 'i-0123456789abcdef0' },
    ...{ generation: 3, epoch: 0, verdictId: VERDICT, errorKind: 'refused' as const },
  };
  const settled = (await handleReprobes([received(message)], portsOver(aws))).get('message-1');
  const written = aws.dynamo.commandCalls(PutCommand).at(-1)?.args[0].input.Item?.['receipt'] as
    { verdict: string; reason: string } | undefined;
  return { settled, written };
}
const claims = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .filter((call) => call.args[0].input.UpdateExpression?.startsWith('SET claim =')).length;
const busy = (reason: string) => ({ settled: { kind: 'done' }, written: { verdict: 'busy', reason } });

it.each([59_999, 60_000])('EC2 throttles a chain of %i ms - paced, and tried again', async (agoMs) => {
  aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
  expect((await looksAgain(agoMs)).settled).toEqual({ kind: 'again', afterSeconds: 5 });
});

it('EC2 throttles a chain of 60,001 ms - busy, and over', async () => {
  aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
  expect(await looksAgain(60_001)).toMatchObject(busy('probe-inconclusive'));
  expect(claims()).toBe(0);
});

it.each([59_999, 60_000])('a chain of %i ms whose evidence is void - begins anew', async (agoMs) => {
  ec2Shows(aws, 'stopped');
  expect((await looksAgain(agoMs, { seq: 40 })).settled).toEqual({ kind: 'again', afterSeconds: 2 });
});

it('a chain of 60,001 ms whose evidence is void - busy, and over', async () => {
  ec2Shows(aws, 'stopped');
  expect(await looksAgain(60_001, { seq: 40 })).toMatchObject(busy('evidence-kept-changing'));
});

it('a chain of any age with valid evidence and a second sighting - dead all the same', async () => {
  ec2Shows(aws, 'stopped');
  expect((await looksAgain(60_001)).written).toMatchObject({ verdict: 'dead', reason: 'stopped' });
});

it.each([
  [3, { kind: 'again', afterSeconds: 2 }],
  [4, { kind: 'again', afterSeconds: 2 }],
  [5, { kind: 'done' }],
])('evidence void in round %i - %o: at most five rounds are begun anew', async (round, expected) => {
  ec2Shows(aws, 'stopped');
  expect((await looksAgain(1000, { seq: 40, round })).settled).toEqual(expected);
});
