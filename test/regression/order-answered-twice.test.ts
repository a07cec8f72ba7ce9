/**
 * An operator orders a restart with an Idempotency-Key. The claim was won and its message sent, and then the first answer
 * could not be kept: the caller was told 503 and that nothing was restarted, and its retry got 409 for its own claim.
 */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';

import { handleOperate } from '../../lambdas/operate/handle.ts';
import { apiCall } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS } from '../lambdas/mocked-aws.ts';
import { allPortsOver } from '../lambdas/one-workspace.ts';

let aws: ReturnType<typeof mockedAws>;
let table: MemoryTable;
let ports: Parameters<typeof handleOperate>[1];
/** What happens to the next transaction; the others go through. */
let next: 'refused' | 'answer lost' | 'done';
beforeEach(() => {
  aws = mockedAws();
  table = memoryTable(aws, () => NOW_MS);
  next = 'done';
  const done = table.run.bind(table);
  aws.dynamo.on(TransactWriteCommand).callsFake((input) => {
    const now = next;
    next = 'done';
    if (now === 'refused') throw new Error('throttled');
    const output = done(new TransactWriteCommand(input as never));
    if (now === 'answer lost') throw new Error('TimeoutError');
    return output;
  });
  ports = allPortsOver(aws);
  table.put(itemOf(aStoredWorkspace()));
  ec2Shows(aws, 'running');
});

const order = (key: string, reason = 'please') =>
  handleOperate(
    apiCall(
      'POST /workspaces/{workspaceId}/restart',
      { reason },
      {
        caller: { principal: 'role/operator', roleName: 'operator', session: 's' },
        headers: { 'idempotency-key': key },
      },
    ),
    ports,
  );
const claim = () => table.item('WS#ws-1', 'STATE')?.['claim'];
const sent = () => aws.sqs.commandCalls(SendMessageCommand).length;

it('the first answer cannot be kept - nothing is claimed and nothing sent, and the retry is a first call', async () => {
  next = 'refused';
  await expect(order('k1')).rejects.toThrow('throttled');
  expect(claim()).toBeUndefined();
  expect(sent()).toBe(0);
  expect(await order('k1')).toMatchObject({ status: 202 });
  expect(sent()).toBe(1);
});

it('its write was done, but the answer of that lost - the retry gets the first answer, and the claim stays one', async () => {
  next = 'answer lost';
  await expect(order('k1')).rejects.toThrow('TimeoutError');
  const first = claim();
  expect(await order('k1')).toMatchObject({ status: 202, body: { claim: { reason: 'please' } } });
  expect(claim()).toEqual(first);
});

it('the same key again - the first answer; with another order - a conflict; another key - 409 restarting', async () => {
  const first = await order('k1');
  expect(first).toMatchObject({ status: 202 });
  expect(await order('k1')).toEqual(first);
  expect(await order('k1', 'other')).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
  expect(await order('k2')).toMatchObject({ status: 409, body: { code: 'restarting' } });
  expect(sent()).toBe(1);
});

it('two calls with the same key at once - one claim, and who lost is told to try again', async () => {
  const answers = await Promise.all([order('k1'), order('k1')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
  expect(sent()).toBe(1);
  expect(await order('k1')).toMatchObject({ status: 202 });
});
