/** S32: a message of a newer version is tried five times; which one was set aside is known by who was given it. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { deadUrls } from '../functions.ts';
import type { Invocation } from '../invocation.ts';
import { planOf } from '../plan.ts';
import { World } from '../world.ts';

const body = JSON.stringify({ v: 2, kind: 'restart' });

/** What is broken when that receive of a message is set aside, and another of the same body lies in the queue. */
function brokenAtReceive(receives: number): string[] {
  const world = new World(planOf({ seed: 1, profile: 'swarm', minutes: 20 }), { keepsLines: false });
  world.queues.isHeld = true;
  world.queues.sendRaw('restart', body, 'newer');
  const attributes = {
    ApproximateReceiveCount: String(receives),
    ApproximateFirstReceiveTimestamp: String(world.nowMs() - 3_600_000),
  };
  const acting: Partial<Invocation> = { event: { Records: [{ body, attributes }] } };
  world.acting = acting as Invocation;
  world.queues.run(new SendMessageCommand({ QueueUrl: deadUrls.restart, MessageBody: body }));
  return world.violations.map(({ invariant }) => invariant);
}

test('at its fifth receive, a younger one of the same body beside it - nothing is broken', () => {
  expect(brokenAtReceive(5)).toEqual([]);
});

test('at its fourth receive - given up before a newer function could have it', () => {
  expect(brokenAtReceive(4)).toEqual(['S32']);
});
