/** Whom a final verdict wakes: the head that waits for it. Any other would only be received once more. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';
import { REQUEST, rowItem } from './parked.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

/** The second look, with a request at the head of the queue that is held by this verdict. */
async function looksAgain(heldBy: string | undefined, { askedBy = 'role/proxy', notBeforeMs = 0 } = {}) {
  const receipt = {
    ...{
      verdictId: VERDICT,
      workspaceId: 'ws-1',
      verdict: 'pending',
      reason: 'suspect',
      looks: [],
      flip: [],
    },
    ...{ openedAtMs: NOW_MS - 2000, askedBy },
  };
  holds(aws, aStoredWorkspace(), [
    { pk: 'WS#ws-1', sk: `VERDICT#${VERDICT}`, receipt },
    { pk: 'WS#ws-1', sk: 'PARKED', head: { requestId: REQUEST, receiptHandle: 'head-handle', notBeforeMs } },
    rowItem(heldBy === undefined ? {} : { heldBy }),
  ]);
  const message = {
    ...{ v: 1 as const, kind: 'reprobe' as const, workspaceId: 'ws-1', instanceId: 'i-0123456789abcdef0' },
    ...{ generation: 3, epoch: 0, verdictId: VERDICT, errorKind: 'refused' as const },
  };
  expect((await handleReprobes([received(message)], portsOver(aws))).get('message-1')).toEqual({
    kind: 'done',
  });
  return aws.sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input.ReceiptHandle);
}

describe('a verdict of busy', () => {
  beforeEach(() => {
    ec2Shows(aws, 'pending');
  });

  it('the head is held by it - woken, to be released', async () => {
    expect(await looksAgain(VERDICT)).toEqual(['head-handle']);
  });

  it.each([undefined, '01KAOTHERAAAAAAAAAAAAAAAAA'])('the head is held by %s - not woken', async (heldBy) => {
    expect(await looksAgain(heldBy)).toEqual([]);
  });

  it('the row of the head cannot be read - not woken, and the verdict is final all the same', async () => {
    const reads = looksAgain(VERDICT);
    aws.dynamo
      .on(GetCommand, { Key: { pk: `REQ#${REQUEST}`, sk: 'REQUEST' } })
      .rejects(new Error('no table'));
    expect(await reads).toEqual([]);
  });
});

describe('a verdict of alive', () => {
  beforeEach(() => {
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 7_200_000 });
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
