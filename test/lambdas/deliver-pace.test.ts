import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { notes, totalsItem } from './parked.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { deliveryWorld, justReceived, REQUEST } from './delivery-world.ts';

const world = deliveryWorld();
const { hold, settle } = world;

describe('the pace of a drain', () => {
  const drainOf = () =>
    world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[1]?.Update
      ?.ExpressionAttributeValues?.[':drain'] as Record<string, unknown> | undefined;

  it('waiting for the workspace - noted since when, what was received, and that it begins with one', async () => {
    hold({}, aStoredWorkspace({ settleUntilMs: NOW_MS + 30_000 }), [
      totalsItem({ drain: { turnMs: 1200, unreadySinceMs: NOW_MS - 8000 } }),
    ]);
    await settle();
    expect(notes(world.aws)).toMatchObject([
      {
        head: { requestId: REQUEST, receiptHandle: 'handle-1', notBeforeMs: 0 },
        drain: {
          turnMs: 1200,
          unreadySinceMs: NOW_MS - 8000,
          receivedAtMs: NOW_MS,
          receivedSequence: '7',
          ramp: { step: 1, left: 1, notBeforeMs: 0 },
        },
      },
    ]);
  });

  it('waiting because the agent is full - that is its own pace, and no new recovery', async () => {
    const busy = aStoredWorkspace({
      heartbeat: { atMs: NOW_MS, seq: 50, bootId: 'boot-a', intervalMs: 5000, activeTasks: 1 },
      freshUntilMs: NOW_MS + 15_000,
    });
    hold({}, busy, [totalsItem({ drain: {} })]);
    await settle();
    expect(notes(world.aws)[0]?.drain).toEqual(justReceived);
  });

  it('its instance is not running - the pace begins with one as well', async () => {
    hold({}, aStoredWorkspace(), [totalsItem()]);
    ec2Shows(world.aws, 'stopping');
    await settle();
    expect(notes(world.aws)[0]?.drain).toMatchObject({ ramp: { step: 1 }, unreadySinceMs: NOW_MS });
  });

  it('the first delivery after it - noted with the end: the next two not before a beat has passed', async () => {
    hold({}, aStoredWorkspace(), [
      totalsItem({ drain: { unreadySinceMs: NOW_MS - 60_000, ramp: { step: 1, left: 1, notBeforeMs: 0 } } }),
    ]);
    await settle();
    expect(drainOf()).toMatchObject({
      ramp: { step: 2, left: 2, notBeforeMs: NOW_MS + 5000 },
      recoveryMs: 60_000,
      turnMs: 0,
    });
    expect(drainOf()).not.toHaveProperty('unreadySinceMs');
  });

  it.each([
    [1000, 1000],
    [60_000, 5000],
    [undefined, 5000],
  ])(
    'a beat every %s ms - the pause is %i ms: the time of one beat, up to five seconds',
    async (intervalMs, pauseMs) => {
      const { heartbeat, ...mute } = aStoredWorkspace();
      const workspace =
        intervalMs === undefined || !heartbeat ? mute : { ...mute, heartbeat: { ...heartbeat, intervalMs } };
      hold({}, workspace, [totalsItem({ drain: { ramp: { step: 1, left: 1, notBeforeMs: 0 } } })]);
      await settle();
      expect(drainOf()).toMatchObject({ ramp: { notBeforeMs: NOW_MS + pauseMs } });
    },
  );

  it.each([
    ['accepting', { state: 'accepting' }],
    ['held by a verdict', { heldBy: '01KAHLDERAAAAAAAAAAAAAAAAA' }],
    ['being delivered by another copy', { state: 'delivering', leaseUntilMs: NOW_MS + 9000 }],
    ['before its own time', { notBeforeMs: NOW_MS + 9000 }],
  ] as const)(
    '%s - no fault of the workspace: no recovery is counted, and the pace stays',
    async (_what, changes) => {
      hold(changes, aStoredWorkspace(), [totalsItem()]);
      await settle();
      expect(notes(world.aws)[0]?.drain).toEqual(justReceived);
    },
  );

  it('before the next step - deferred until it, nothing sent, the ramp as it was', async () => {
    const ramp = { step: 4, left: 4, notBeforeMs: NOW_MS + 4000 };
    hold({}, aStoredWorkspace(), [totalsItem({ drain: { ramp } })]);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 4 });
    expect(world.asked).toHaveLength(0);
    expect(notes(world.aws)).toMatchObject([{ head: { notBeforeMs: NOW_MS + 4000 }, drain: { ramp } }]);
  });

  it('never unready - no ramp', async () => {
    hold({}, aStoredWorkspace(), [totalsItem()]);
    await settle();
    expect(world.asked).toHaveLength(1);
    expect(drainOf()).not.toHaveProperty('ramp');
  });
});
