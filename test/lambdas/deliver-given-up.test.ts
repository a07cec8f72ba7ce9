import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { answered, keptPieces, news, rowUpdates, writesInOrder } from './parked.ts';
import { NOW_MS } from './mocked-aws.ts';
import { deliveryWorld, message, REQUEST } from './delivery-world.ts';

const world = deliveryWorld();
const { hold, settle, endings } = world;
const otherBoot = { answered: false, launchTimeMs: NOW_MS - 9_000_000, bootId: 'boot-before' };

describe('a request that is given up', () => {
  it.each([
    [answered(500), 'gave-up-status-500'],
    [{ kind: 'failed', because: 'eof' } as const, 'gave-up-eof'],
    [{ kind: 'failed', because: 'deadline' } as const, 'gave-up-deadline'],
  ])(
    'the agent fails at it for the fifth time (%j) - a dead letter, its bytes kept before its row ends',
    async (failed, why) => {
      world.answer = failed;
      hold({ failures: 4, attempts: 4 });
      expect(await settle()).toEqual({ kind: 'done' });
      expect(endings()).toEqual([{ state: 'dead-lettered', why }]);
      expect(writesInOrder(world.aws)).toEqual(['update', 'put', 'transaction', 'update']);
      expect(keptPieces(world.aws)).toMatchObject([
        { pk: `REQ#${REQUEST}`, sk: 'BYTES#00', piece: JSON.stringify(message), count: 1 },
      ]);
      expect(news(world.aws)).toEqual([
        {
          type: 'request.dead-lettered',
          detail: { workspaceId: 'ws-1', requestId: REQUEST, reason: why },
        },
      ]);
    },
  );

  it('the fourth time - not yet', async () => {
    world.answer = answered(500);
    hold({ failures: 3 });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 40 });
    expect(endings()).toHaveLength(0);
  });

  it.each(['refused', 'unreachable'] as const)(
    '%s for the hundredth time - never for that: nothing arrived, and it waits for its workspace',
    async (because) => {
      world.answer = { kind: 'failed', because };
      hold({ failures: 4, attempts: 99 });
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(endings()).toHaveLength(0);
    },
  );

  it('its bytes cannot be kept - it does not end, and the message is seen again', async () => {
    world.answer = answered(500);
    hold({ failures: 4 });
    world.aws.dynamo.on(PutCommand).rejects(new Error('no table'));
    expect(await settle()).toBeUndefined();
    expect(endings()).toHaveLength(0);
  });

  it('a body of 700 KiB - kept in pieces that an item can hold, which are the whole message again', async () => {
    world.answer = answered(500);
    hold({ failures: 4 });
    const body = Buffer.alloc(700 * 1024, 'x').toString('base64');
    await settle({ body });
    const pieces = keptPieces(world.aws);
    expect(pieces.length).toBeGreaterThan(1);
    expect(new Set(pieces.map((item) => item['count']))).toEqual(new Set([pieces.length]));
    for (const item of pieces) expect(JSON.stringify(item).length).toBeLessThan(400 * 1024);
    expect(JSON.parse(pieces.map((item) => String(item['piece'])).join(''))).toEqual({ ...message, body });
  });

  it('in flight at three restarts in a row - poison: no fourth attempt, and its bytes are kept', async () => {
    hold({ state: 'delivering', attempts: 3, interruptions: 2, lastAttempt: otherBoot, leaseUntilMs: 0 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'dead-lettered', why: 'poison' }]);
    expect(keptPieces(world.aws)).toHaveLength(1);
  });

  it('at two - tried once more, and the second is counted', async () => {
    hold({ state: 'delivering', attempts: 2, interruptions: 1, lastAttempt: otherBoot, leaseUntilMs: 0 });
    await settle();
    expect(world.asked).toHaveLength(1);
    expect(rowUpdates(world.aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues).toMatchObject({
      ':interruptions': 2,
    });
  });
});
