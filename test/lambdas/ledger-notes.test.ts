import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { openSqs, queues } from '../../lambdas/adapters/queues.ts';
import { ledgerWorld } from './ledger-world.ts';
import { aStoredWorkspace, QUEUE } from './mocked-aws.ts';
import { REQUEST, totalsItem } from './parked.ts';
import { conditionFailed } from './refused-writes.ts';

const world = ledgerWorld();
const { hold, book, updates } = world;

describe('what is noted beside the counters', () => {
  it('nothing yet - zero, and no history', async () => {
    expect(await book().parkedFor('ws-1')).toEqual({ count: 0, bytes: 0, drain: {} });
  });

  it('all of it - read as it was written', async () => {
    const head = { requestId: REQUEST, receiptHandle: 'h', notBeforeMs: 5 };
    hold(aStoredWorkspace(), [
      totalsItem({ count: 2, bytes: 9, head, drain: { turnMs: 3 }, emptySinceMs: 7 }),
    ]);
    expect(await book().parkedFor('ws-1')).toEqual({
      count: 2,
      bytes: 9,
      head,
      drain: { turnMs: 3 },
      emptySinceMs: 7,
    });
    expect(await book().parkedCount('ws-1')).toBe(2);
    expect(await book().headOf('ws-1')).toEqual(head);
  });

  it('a head - noted with the history; a transaction in the way - tried again', async () => {
    world.aws.dynamo
      .on(UpdateCommand)
      .rejectsOnce(new TransactionConflictException({ message: 'busy', $metadata: {} }))
      .resolves({});
    const head = { requestId: REQUEST, receiptHandle: 'h', notBeforeMs: 0 };
    await book().noteHead('ws-1', head, { turnMs: 1 });
    expect(updates()[1]).toMatchObject({
      UpdateExpression: 'SET head = :head, drain = :drain',
      ExpressionAttributeValues: { ':head': head, ':drain': { turnMs: 1 } },
    });
  });

  it('when it is looked at again - set, together with since when the queue is empty, or without', async () => {
    world.aws.dynamo.on(UpdateCommand).callsFake((input: { ConditionExpression?: string }) => {
      if (input.ConditionExpression === undefined) return {};
      throw conditionFailed();
    });
    const { due } = world.ports;
    await due.postponeParked('ws-1', { dueAtMs: 9, emptySinceMs: 4 });
    await due.postponeParked('ws-1', { dueAtMs: 9, emptySinceMs: undefined });
    const plain = updates().filter((input) => input.ConditionExpression === undefined);
    expect(plain).toMatchObject([
      {
        UpdateExpression: 'SET dueAt = :due, emptySinceMs = :empty',
        ExpressionAttributeValues: { ':empty': 4 },
      },
      { UpdateExpression: 'SET dueAt = :due REMOVE emptySinceMs' },
    ]);
  });

  it('a queue that this function was not given - a mistake of the wiring, loudly', async () => {
    await expect(queues(openSqs(), { reprobe: QUEUE.reprobe }).parkedDepth()).rejects.toThrow('parked');
  });
});
