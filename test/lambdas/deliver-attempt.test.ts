import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { deliveryWorld, justReceived, REQUEST } from './delivery-world.ts';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { answered, keptPieces, notes, rowUpdates } from './parked.ts';
import { conditionFailed } from './refused-writes.ts';

const world = deliveryWorld();
const { hold, settle, endings, reports } = world;
const otherBoot = { answered: false, launchTimeMs: NOW_MS - 9_000_000, bootId: 'boot-before' };
const sameBoot = { answered: false, launchTimeMs: NOW_MS - 7_200_000, bootId: 'boot-a' };

describe('the lease of an attempt', () => {
  it('begins with it, in the row: for 90 s, one attempt more, and only while the time of the request lasts', async () => {
    hold({ attempts: 2 });
    await settle();
    const [begun] = rowUpdates(world.aws, 'SET #state = :delivering');
    expect(begun?.ConditionExpression).toBe(
      '#state IN (:parked, :delivering) AND attempts = :attempts AND expiresAtMs > :now',
    );
    expect(begun?.ExpressionAttributeValues).toMatchObject({
      ':lease': NOW_MS + 90_000,
      ':attempts': 2,
      ':next': 3,
      ':now': NOW_MS,
      ':mark': sameBoot,
      ':interruptions': 0,
    });
    expect(world.asked[0]?.headers['defib-attempt']).toBe('3');
  });

  it('another copy of the message holds it - hidden until it ends, nothing sent, and the head stays that of the other', async () => {
    hold({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS + 40_000 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 40 });
    expect(world.asked).toHaveLength(0);
    expect(rowUpdates(world.aws, 'SET #state')).toHaveLength(0);
    expect(notes(world.aws)).toMatchObject([{ head: undefined }]);
  });

  it('another copy takes it at the same moment - not the workspace is waited for, and the head stays that of the other', async () => {
    hold();
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { UpdateExpression: string }) => {
      if (!input.UpdateExpression.startsWith('SET #state = :delivering')) return {};
      throw conditionFailed();
    });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(world.asked).toHaveLength(0);
    expect(notes(world.aws)[0]?.head).toBeUndefined();
    expect(notes(world.aws)[0]?.drain).toEqual(justReceived);
  });

  it('it is over and the row is still being delivered - tried again, and the agent is told that a copy may have arrived', async () => {
    hold({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS, lastAttempt: sameBoot });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(world.asked[0]?.headers).toMatchObject({ 'defib-ambiguous': 'true', 'defib-attempt': '2' });
    expect(rowUpdates(world.aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues).toMatchObject({
      ':ambiguous': true,
    });
  });

  it.each(['answers', 'fails'] as const)(
    'the agent works for long, then %s - renewed every 30 s in queue and row for the attempt that it is, and then no more',
    async (how) => {
      hold({ attempts: 1 });
      let renew: (() => Promise<void>) | undefined;
      let stops = 0;
      let everyMs = 0;
      const clock = {
        ...world.ports.clock,
        every: (intervalMs: number, work: () => Promise<void>) => {
          everyMs = intervalMs;
          renew = work;
          return { stop: () => void (stops += 1) };
        },
      };
      const agents = {
        send: async () => {
          world.ports.clock.advance(30_000);
          await renew?.();
          if (how === 'fails') throw new Error('a fault of the client');
          return world.answer;
        },
      };
      world.ports = { ...world.ports, clock, agents };
      await settle();
      expect(everyMs).toBe(30_000);
      expect(stops).toBe(1);
      expect(
        world.aws.sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input),
      ).toMatchObject([{ VisibilityTimeout: 90 }, { VisibilityTimeout: 90, ReceiptHandle: 'handle-1' }]);
      const [renewed] = rowUpdates(world.aws, 'SET leaseUntilMs');
      expect(renewed?.ConditionExpression).toBe('#state = :delivering AND attempts = :attempts');
      expect(renewed?.ExpressionAttributeValues).toMatchObject({
        ':lease': NOW_MS + 120_000,
        ':attempts': 2,
      });
    },
  );
});

describe('an attempt that came to nothing', () => {
  const putBack = () => rowUpdates(world.aws, 'SET #state = :parked').map((input) => input);

  it('a failure of the agent - counted, and the time of the next try is kept in the row and with the head', async () => {
    world.answer = answered(500);
    hold({ failures: 1 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(putBack()[0]?.ConditionExpression).toBe('#state = :delivering AND attempts = :attempts');
    expect(putBack()[0]?.ExpressionAttributeValues).toMatchObject({
      ':why': 'status-500',
      ':failures': 2,
      ':notBefore': NOW_MS + 10_000,
      ':attempts': 1,
      ':ambiguous': true,
      ':mark': { ...sameBoot, answered: true },
    });
    expect(notes(world.aws)).toMatchObject([
      { head: { requestId: REQUEST, receiptHandle: 'handle-1', notBeforeMs: NOW_MS + 10_000 } },
    ]);
  });

  it('before its next try - deferred until then, nothing sent', async () => {
    hold({ notBeforeMs: NOW_MS + 7000 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 7 });
    expect(world.asked).toHaveLength(0);
    expect(notes(world.aws)).toMatchObject([{ head: { notBeforeMs: NOW_MS + 7000 } }]);
  });

  it.each([
    ['eof', { ...sameBoot, answered: false }, true],
    ['refused', undefined, false],
  ] as const)('%s - kept is what the next attempt has to know', async (because, mark, mayHaveArrived) => {
    world.answer = { kind: 'failed', because };
    hold();
    await settle();
    const [back] = putBack();
    expect(back?.ExpressionAttributeValues?.[':mark']).toEqual(mark);
    expect(back?.ExpressionAttributeValues?.[':ambiguous']).toBe(mayHaveArrived);
    expect(back?.UpdateExpression?.includes('REMOVE leaseUntilMs, lastAttempt')).toBe(mark === undefined);
  });

  it('nothing arrived, after an attempt that was cut off - still in doubt, and that attempt is still remembered', async () => {
    world.answer = { kind: 'failed', because: 'refused' };
    hold({ ambiguous: true, lastAttempt: otherBoot });
    await settle();
    expect(putBack()[0]?.ExpressionAttributeValues).toMatchObject({ ':ambiguous': true, ':mark': otherBoot });
  });

  it.each([
    ['30', 30],
    ['3', 5],
    ['100000', 120],
    ['-7', 5],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 5],
    ['', 5],
  ])('429 with Retry-After %j - left alone for %i s, and no failure is counted', async (text, seconds) => {
    world.answer = answered(429, { 'retry-after': text });
    hold({ failures: 4 });
    const settled = await settle();
    expect(endings()).toHaveLength(0);
    expect(putBack()[0]?.ExpressionAttributeValues?.[':failures']).toBe(4);
    if (Number(text) > 0) expect(putBack()[0]?.ExpressionAttributeValues?.[':notBefore']).toBeGreaterThan(0);
    // After four failures its own back-off is 40 s, where a time of its own is world.asked for.
    const ownSeconds = Number(text) > 0 ? 40 : 5;
    expect(settled).toEqual({ kind: 'again', afterSeconds: Math.max(seconds, ownSeconds) });
  });
});

describe('an agent that asks for a moment again and again', () => {
  it.each([
    [0, 5],
    [30_000, 30],
    [600_000, 60],
    [4_000_000, 120],
  ])(
    'for %i ms by now - looked at again after %i s: the queue counts receives',
    async (waitedMs, seconds) => {
      world.answer = answered(429, { 'retry-after': '1' });
      hold();
      const settled = await settle({}, { firstReceivedAtMs: NOW_MS - waitedMs });
      expect(settled).toEqual({ kind: 'again', afterSeconds: seconds });
      const [back] = rowUpdates(world.aws, 'SET #state = :parked');
      expect(back?.ExpressionAttributeValues).toMatchObject({ ':notBefore': NOW_MS + 5000, ':failures': 0 });
    },
  );

  it('and its message was received 900 times - a dead letter, its bytes kept before its row ends', async () => {
    hold();
    expect(await settle({}, { receives: 900 })).toEqual({ kind: 'done' });
    expect(endings()).toEqual([{ state: 'dead-lettered', why: 'received-too-often' }]);
    expect(keptPieces(world.aws).length).toBeGreaterThan(0);
    expect(world.asked).toHaveLength(0);
  });
});

describe('peerProof', () => {
  const beating = aStoredWorkspace({
    heartbeat: { atMs: NOW_MS, seq: 5, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 },
  });
  const { heartbeat: _never, ...mute } = aStoredWorkspace();
  const proving = { settings: { peerProof: 'well-known' } } as const;

  it.each([
    ['unless somebody world.asked for it, none is wanted', beating, undefined],
    [
      'of a workspace that beats - its id and the boot that beats',
      { ...beating, ...proving },
      { workspaceId: 'ws-1', bootId: 'boot-b' },
    ],
    ['of one that has never beaten - its id', { ...mute, ...proving }, { workspaceId: 'ws-1' }],
  ])('%s', async (_what, workspace, proof) => {
    hold({}, workspace);
    await settle();
    expect(world.asked[0]?.proof).toEqual(proof);
  });

  it('a stranger answers - nothing was sent, it waits, and is counted for the alarm; nobody is suspected', async () => {
    world.answer = { kind: 'stranger' };
    hold({ failures: 1 }, { ...beating, ...proving });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(world.ports.log.counted).toContain('StrangerMet');
    expect(reports()).toHaveLength(0);
    const [back] = rowUpdates(world.aws, 'SET #state = :parked');
    expect(back?.ExpressionAttributeValues).toMatchObject({
      ':why': 'stranger',
      ':ambiguous': false,
      ':failures': 1,
    });
  });

  it('it fails at the proof - reported like any failure, but no copy has arrived', async () => {
    world.answer = { kind: 'failed', because: 'deadline', unsent: true };
    hold({}, { ...beating, ...proving });
    await settle();
    expect(reports()).toHaveLength(1);
    expect(world.ports.log.counted).not.toContain('StrangerMet');
    expect(rowUpdates(world.aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues).toMatchObject({
      ':ambiguous': false,
      ':failures': 0,
    });
  });
});
