import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { ParkedRequest } from '../../core/parking.ts';
import { receiptItem } from './claimed.ts';
import { deliveryWorld } from './delivery-world.ts';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { news, notes } from './parked.ts';
import { cancelled } from './refused-writes.ts';

const world = deliveryWorld();
const { hold, settle, endings } = world;

describe('a request held by a verdict', () => {
  const HOLDER = '01KAHLDERAAAAAAAAAAAAAAAAA';
  const receipt = (verdict: string, reason = verdict) => [
    receiptItem({ verdictId: HOLDER, verdict, reason }),
  ];

  it('still pending - left alone', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('pending', 'suspect'));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(world.asked).toHaveLength(0);
  });

  it('busy - released', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('busy', 'heartbeat-fresh'));
    await settle();
    expect(world.asked).toHaveLength(1);
  });

  it('dead, and the caller did not ask to park - ended as refused, dead', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('dead', 'stopped'));
    await settle();
    expect(endings()).toEqual([{ state: 'refused', why: 'dead' }]);
  });

  it('dead, and the caller world.asked to park - kept for after the restart', async () => {
    hold({ heldBy: HOLDER, whenDead: 'park' }, aStoredWorkspace(), receipt('dead', 'stopped'));
    await settle();
    expect(endings()).toEqual([{ state: 'delivered', why: undefined }]);
  });

  it('alive after a refused connection - ended with the code that the verdict gives', async () => {
    hold({ heldBy: HOLDER }, aStoredWorkspace(), receipt('alive', 'running'));
    await settle();
    expect(endings()).toEqual([{ state: 'refused', why: 'agent-restarting' }]);
  });
});

describe('a request whose caller refuses a second copy', () => {
  it.each([
    ['one may have arrived before it was parked', { ambiguous: true }],
    ['an attempt was cut off in the middle', { state: 'delivering', leaseUntilMs: NOW_MS - 1 }],
  ] as const)('%s - refused as ambiguous, nothing sent', async (_what, changes) => {
    hold({ ...changes, onAmbiguous: 'refuse' });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(0);
    expect(endings()).toEqual([{ state: 'refused', why: 'ambiguous' }]);
  });
});

describe('another copy begins an attempt while this one is about to end the request', () => {
  /** The row is another's by the time that the end is written. */
  const movesOn = (changes: Partial<ParkedRequest>, now: Partial<ParkedRequest>) => {
    hold(changes);
    world.aws.dynamo.on(TransactWriteCommand).callsFake(() => {
      hold({ ...changes, ...now });
      throw cancelled();
    });
  };
  const others = { state: 'delivering', attempts: 9, leaseUntilMs: NOW_MS + 90_000 } as const;
  const deadStatus = (status: number) => () => {
    world.answer = { kind: 'answered', response: { status, headers: {}, body: '', truncated: false } };
  };

  it.each([
    ['refused by its answer', {}, deadStatus(404)],
    ['given up after five failures', { failures: 4 }, deadStatus(500)],
    ['poison', { interruptions: 3, lastAttempt: { answered: false } }, () => {}],
    ['expired', { expiresAtMs: NOW_MS }, () => {}],
    ['ambiguous', { ambiguous: true, onAmbiguous: 'refuse' as const }, () => {}],
  ])('%s - not ended, and its message stays (S24, S25)', async (_what, changes, arrange) => {
    arrange();
    movesOn(changes, others);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(news(world.aws)).toEqual([]);
    const [end] = world.aws.dynamo.commandCalls(TransactWriteCommand);
    const update = end?.args[0].input.TransactItems?.[0]?.Update;
    expect(update?.ConditionExpression).toContain('attempts = :attempts');
    expect(update?.ExpressionAttributeValues?.[':attempts']).toBe(world.asked.length);
    expect(notes(world.aws)[0]?.head).toBeUndefined();
  });

  it('delivered - delivered, whoever else is at it by now', async () => {
    hold();
    expect(await settle()).toEqual({ kind: 'done' });
    const [end] = world.aws.dynamo.commandCalls(TransactWriteCommand);
    expect(end?.args[0].input.TransactItems?.[0]?.Update?.ConditionExpression).toBe(
      '#state IN (:accepting, :parked, :delivering)',
    );
  });

  it('it has ended by another hand - done, and told by that hand', async () => {
    deadStatus(404)();
    movesOn({}, { state: 'cancelled' });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news(world.aws)).toEqual([]);
  });
});
