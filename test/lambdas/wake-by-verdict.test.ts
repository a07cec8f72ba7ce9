/** Whom a final verdict wakes: the head that waits for it. Any other would only be received once more. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { receiptItem, VERDICT } from './claimed.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { REQUEST, rowItem, totalsItem } from './parked.ts';

const world = oneWorkspace();
const { hold, reprobes } = world;

/** The second look, with a request at the head of the queue that is held by this verdict. */
async function looksAgain(heldBy: string | undefined, { askedBy = 'role/proxy', notBeforeMs = 0 } = {}) {
  hold(aStoredWorkspace(), [
    receiptItem({ openedAtMs: NOW_MS - 2000, askedBy }),
    totalsItem({ head: { requestId: REQUEST, receiptHandle: 'head-handle', notBeforeMs } }),
    rowItem(heldBy === undefined ? {} : { heldBy }),
  ]);
  expect(await reprobes()).toEqual({ kind: 'done' });
  return world.aws.sqs
    .commandCalls(ChangeMessageVisibilityCommand)
    .map((call) => call.args[0].input.ReceiptHandle);
}

describe('a verdict of busy', () => {
  beforeEach(() => {
    ec2Shows(world.aws, 'pending');
  });

  it('the head is held by it - woken, to be released', async () => {
    expect(await looksAgain(VERDICT)).toEqual(['head-handle']);
  });

  it.each([undefined, '01KAOTHERAAAAAAAAAAAAAAAAA'])('the head is held by %s - not woken', async (heldBy) => {
    expect(await looksAgain(heldBy)).toEqual([]);
  });

  it('the row of the head cannot be read - not woken, and the verdict is final all the same', async () => {
    const reads = looksAgain(VERDICT);
    world.aws.dynamo
      .on(GetCommand, { Key: { pk: `REQ#${REQUEST}`, sk: 'REQUEST' } })
      .rejects(new Error('no table'));
    expect(await reads).toEqual([]);
  });
});

describe('a verdict of alive', () => {
  beforeEach(() => {
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
  });

  it('the head waits for anything - woken: the workspace can be given something', async () => {
    expect(await looksAgain(undefined)).toEqual(['head-handle']);
  });

  it('the head has a time of its own - not before', async () => {
    expect(await looksAgain(undefined, { notBeforeMs: NOW_MS + 1 })).toEqual([]);
  });

  it('deliver itself has asked - not woken, or it would ask again at once', async () => {
    expect(await looksAgain(undefined, { askedBy: 'deliver' })).toEqual([]);
  });
});
