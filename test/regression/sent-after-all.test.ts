/**
 * Found by the simulator: the message of a second look was sent and reported as not sent. The second look had won its claim
 * before the first one came to say busy for the very same verdict (S27).
 */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeEach, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
} from '../lambdas/mocked-aws.ts';

type Stored = Record<string, unknown>;
let aws: ReturnType<typeof mockedAws>;
let table: MemoryTable;
beforeEach(() => {
  aws = mockedAws();
  table = memoryTable(aws, () => NOW_MS);
  table.put(itemOf(aStoredWorkspace()));
  ec2Shows(aws, 'stopped', { launchTimeMs: NOW_MS - 7_200_000 });
});
const report = { error: { kind: 'refused' }, request: aRequest };

/** The second look, in the moment before its sender is told that nothing was sent. */
async function failsAfter(secondLook: (workspace: Stored, verdictId: string) => void) {
  let sent = '';
  aws.sqs
    .on(SendMessageCommand, { QueueUrl: QUEUE.reprobe })
    .callsFake(({ MessageBody }: { MessageBody: string }) => {
      const { verdictId } = JSON.parse(MessageBody) as { verdictId: string };
      sent = verdictId;
      secondLook(table.item('WS#ws-1', 'STATE') ?? {}, verdictId);
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
    });
  const answer = await handleForwardError(forwardError(report), portsOver(aws));
  const receipt = table.item('WS#ws-1', `VERDICT#${sent}`)?.['receipt'];
  return { answer, receipt };
}

it('it has won its claim - the verdict is not closed as busy, and the request waits for it', async () => {
  const { answer, receipt } = await failsAfter(({ evidence: _used, ...workspace }, token) => {
    table.put({ ...workspace, generation: 4, claim: { ...aClaim(), token } });
  });
  expect(answer).toMatchObject({ status: 202, body: { verdict: 'pending' } });
  expect(receipt).toMatchObject({ verdict: 'pending' });
});

it('it has found the instance gone - so too', async () => {
  const { answer, receipt } = await failsAfter(({ evidence: _used, ...workspace }, verdictId) => {
    table.put({ ...workspace, gone: { verdictId, atMs: NOW_MS, instanceId: workspace['instanceId'] } });
  });
  expect(answer).toMatchObject({ status: 202, body: { verdict: 'pending' } });
  expect(receipt).toMatchObject({ verdict: 'pending' });
});

it('nobody has looked again - busy, the evidence is removed, and the caller is told to come again', async () => {
  const { answer, receipt } = await failsAfter(() => undefined);
  expect(answer).toMatchObject({ status: 503, body: { verdict: 'busy', reason: 'probe-inconclusive' } });
  expect(receipt).toMatchObject({ verdict: 'busy' });
  expect(table.item('WS#ws-1', 'STATE')?.['evidence']).toBeUndefined();
});
