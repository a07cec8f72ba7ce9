/** How long a chain of looks may go on: never past a minute, never past its rounds, and it ends busy. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import type { Evidence } from '../../core/workspace.ts';
import { evidenceOf, receiptItem } from './claimed.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';

const world = oneWorkspace();
const { hold, reprobes, puts, claimWrites } = world;

/** The chain's next message, of a verdict that was opened so long ago. */
async function looksAgain(openedAgoMs: number, changes: Partial<Evidence> = {}) {
  hold(aStoredWorkspace({ evidence: evidenceOf(changes) }), [
    receiptItem({ openedAtMs: NOW_MS - openedAgoMs }),
  ]);
  const settled = await reprobes();
  const written = puts().at(-1)?.Item?.['receipt'] as { verdict: string; reason: string } | undefined;
  return { settled, written };
}
const busy = (reason: string) => ({ settled: { kind: 'done' }, written: { verdict: 'busy', reason } });

it.each([59_999, 60_000])('EC2 throttles a chain of %i ms - paced, and tried again', async (agoMs) => {
  world.aws.ec2
    .on(DescribeInstancesCommand)
    .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
  expect((await looksAgain(agoMs)).settled).toEqual({ kind: 'again', afterSeconds: 5 });
});

it('EC2 throttles a chain of 60,001 ms - busy, and over', async () => {
  world.aws.ec2
    .on(DescribeInstancesCommand)
    .rejects(Object.assign(new Error(), { name: 'RequestLimitExceeded' }));
  expect(await looksAgain(60_001)).toMatchObject(busy('probe-inconclusive'));
  expect(claimWrites()).toHaveLength(0);
});

it.each([59_999, 60_000])('a chain of %i ms whose evidence is void - begins anew', async (agoMs) => {
  ec2Shows(world.aws, 'stopped');
  expect((await looksAgain(agoMs, { seq: 40 })).settled).toEqual({ kind: 'again', afterSeconds: 2 });
});

it('a chain of 60,001 ms whose evidence is void - busy, and over', async () => {
  ec2Shows(world.aws, 'stopped');
  expect(await looksAgain(60_001, { seq: 40 })).toMatchObject(busy('evidence-kept-changing'));
});

it('a chain of any age with valid evidence and a second sighting - dead all the same', async () => {
  ec2Shows(world.aws, 'stopped');
  expect((await looksAgain(60_001)).written).toMatchObject({ verdict: 'dead', reason: 'stopped' });
});

it.each([
  [3, { kind: 'again', afterSeconds: 2 }],
  [4, { kind: 'again', afterSeconds: 2 }],
  [5, { kind: 'done' }],
])('evidence void in round %i - %o: at most five rounds are begun anew', async (round, expected) => {
  ec2Shows(world.aws, 'stopped');
  expect((await looksAgain(1000, { seq: 40, round })).settled).toEqual(expected);
});
