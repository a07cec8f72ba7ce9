import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { endings, news, REQUEST, rowItem, rowUpdates, totalsItem } from './parked.ts';
import { sweepWorld } from './sweep-world.ts';

const world = sweepWorld();
const { hold, due, sweep, sweepRequest, updates, transactions } = world;

describe('the sweep of requests', () => {
  it.each(['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const)(
    'an end that nobody has announced (%s) - announced, and no longer due; the end itself stays as it is',
    async (state) => {
      await sweepRequest({ state, why: 'x', finishedAtMs: NOW_MS - 60_000 });
      expect(news(world.aws)).toEqual([
        { type: `request.${state}`, detail: { workspaceId: 'ws-1', requestId: REQUEST, reason: 'x' } },
      ]);
      expect(rowUpdates(world.aws, 'REMOVE dueKey, dueAt')).toHaveLength(1);
      expect(endings(world.aws)).toEqual([]);
    },
  );

  it.each([
    [5000, 60_000],
    [90_000, 90_000],
    [86_400_000, 3_600_000],
  ])(
    'it cannot be announced now either, %i ms after it - it stays due, %i ms later, and so is no longer in front of others',
    async (ageMs, laterMs) => {
      world.aws.bus.on(PutEventsCommand).rejects(new Error('no'));
      await sweepRequest({ state: 'expired', finishedAtMs: NOW_MS - ageMs });
      expect(rowUpdates(world.aws, 'REMOVE')).toHaveLength(0);
      expect(rowUpdates(world.aws, 'SET dueAt')).toMatchObject([
        { ExpressionAttributeValues: { ':due': NOW_MS + laterMs } },
      ]);
    },
  );

  it('EventBridge takes nothing - the sweep asks it twice, and puts the rest off without asking', async () => {
    const ids = ['A', 'B', 'C', 'D'].map((letter) => REQUEST.replace(/.$/, letter));
    due('DUE#REQUESTS', ...ids.map((id) => `REQ#${id}`));
    hold(
      aStoredWorkspace(),
      ids.map((requestId) => rowItem({ requestId, state: 'expired', finishedAtMs: NOW_MS - 60_000 })),
    );
    world.aws.bus.on(PutEventsCommand).rejects(new Error('no'));
    await sweep();
    expect(world.aws.bus.commandCalls(PutEventsCommand)).toHaveLength(2);
    expect(rowUpdates(world.aws, 'SET dueAt')).toHaveLength(4);
  });

  it('the brake can close however long the rest takes - the fleet is swept first', async () => {
    const order: string[] = [];
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    hold(aStoredWorkspace(), [rowItem({ state: 'expired', finishedAtMs: NOW_MS - 60_000 })]);
    const brake = { ...world.ports.brake, read: () => (order.push('fleet'), world.ports.brake.read()) };
    const events = { publish: () => (order.push('news'), Promise.resolve(true)) };
    await handleSweep({ ...world.ports, brake, events });
    expect(order).toEqual(['fleet', 'news']);
  });

  it.each([
    [1, []],
    [0, [{ state: 'expired', why: 'expired' }]],
    [-1, [{ state: 'expired', why: 'expired' }]],
  ])(
    'being delivered past its time, %i ms before the end of the lease - ended only when nobody is at it',
    async (leftMs, ended) => {
      await sweepRequest({
        state: 'delivering',
        attempts: 2,
        expiresAtMs: NOW_MS - 5000,
        leaseUntilMs: NOW_MS + leftMs,
      });
      expect(endings(world.aws)).toMatchObject(ended);
      expect(endings(world.aws)).toHaveLength(ended.length);
    },
  );

  it('an attempt begins at that very moment - the write requires the attempt that was read, and loses', async () => {
    await sweepRequest({
      state: 'delivering',
      attempts: 2,
      expiresAtMs: NOW_MS - 1,
      leaseUntilMs: NOW_MS - 1,
    });
    const [end] = endings(world.aws);
    expect(end?.condition).toBe(
      '#state IN (:accepting, :parked, :delivering) AND #state = :from AND attempts = :attempts',
    );
    expect(end?.values).toMatchObject({ ':from': 'delivering', ':attempts': 2 });
  });

  it('a row that was never accepted - ended, and its idempotency key is free again in the same write', async () => {
    await sweepRequest({ state: 'accepting', callersKey: 'r-1', acceptedAtMs: NOW_MS - 70_000 });
    expect(endings(world.aws)).toMatchObject([{ state: 'refused', why: 'never-accepted' }]);
    const items = transactions()[0];
    expect(items?.[2]?.Delete?.Key).toEqual({ pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER' });
  });

  it('a row that the index still names, and that is gone or not due yet - nothing', async () => {
    await sweepRequest({ expiresAtMs: NOW_MS + 1 });
    hold(aStoredWorkspace());
    await sweep();
    expect(endings(world.aws)).toEqual([]);
    expect(news(world.aws)).toEqual([]);
  });

  it('nothing is parked any more - the workspace is no longer looked at', async () => {
    due('DUE#PARKED', 'WS#ws-1');
    hold(aStoredWorkspace(), [totalsItem({ count: 0 })]);
    await sweep();
    const [rested] = updates();
    expect(rested).toMatchObject({
      Key: { pk: 'WS#ws-1', sk: 'PARKED' },
      UpdateExpression: 'REMOVE dueKey, dueAt, emptySinceMs',
      ConditionExpression: '#count <= :zero',
    });
    expect(updates()).toHaveLength(1);
  });
});
