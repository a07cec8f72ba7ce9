/**
 * Found by a review. SQS was out of reach for 90 s while an agent worked: the lease in the row, which is there for just that,
 * was renewed only after the visibility, and so not at all; the next receive sent the request a second time (S22).
 */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, portsOver } from '../lambdas/mocked-aws.ts';
import { aMessage, hidden, REQUEST, rowItem, totalsItem } from '../lambdas/parked.ts';

const answered = {
  kind: 'answered',
  response: { status: 200, headers: {}, body: '', truncated: false },
} as const;

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: MemoryTable;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => ports.clock.nowMs());
  table.put(itemOf(aStoredWorkspace()));
  table.put(rowItem());
  table.put(totalsItem());
  ec2Shows(aws, 'running');
});

/** Delivers to an agent that works for 90 s; what fails, fails from its beginning on. */
const works = (fails: () => void, meanwhile: () => Promise<void> = () => Promise.resolve()) => {
  let renew: (() => Promise<void>) | undefined;
  const every = (_intervalMs: number, work: () => Promise<void>) => {
    renew = work;
    return { stop: () => {} };
  };
  const send = async () => {
    fails();
    for (let turns = 1; turns <= 3; turns += 1) {
      ports.clock.advance(30_000);
      // As the real clock has it: what fails is logged, and tried again at the next turn.
      await expect(renew?.()).rejects.toThrow('out of reach');
    }
    await meanwhile();
    return answered;
  };
  const clock = { ...ports.clock, every };
  return handleDeliveries([received(aMessage())], { ...ports, clock, agents: { send } });
};

it('SQS is out of reach while the agent works - the row keeps its lease, and the next receive sends nothing', async () => {
  let copies = 0;
  const again = async () => {
    aws.sqs.on(ChangeMessageVisibilityCommand).resolves({});
    ports.clock.advance(1000);
    const send = () => Promise.resolve(answered).finally(() => (copies += 1));
    const copy = received(aMessage(), { receiptHandle: 'handle-2', receives: 2 });
    const outcome = await handleDeliveries([copy], { ...ports, agents: { send } });
    expect(outcome.get('message-1')).toEqual({ kind: 'again', afterSeconds: 89 });
  };
  await works(() => aws.sqs.on(ChangeMessageVisibilityCommand).rejects(new Error('out of reach')), again);
  expect(copies).toBe(0);
  expect(table.item(`REQ#${REQUEST}`, 'REQUEST')).toMatchObject({ state: 'delivered', attempts: 1 });
});

it('the table is out of reach while the agent works - the message stays hidden', async () => {
  await works(() =>
    aws.dynamo.on(UpdateCommand, undefined, false).callsFake((input: { UpdateExpression: string }) => {
      if (input.UpdateExpression.startsWith('SET leaseUntilMs')) throw new Error('out of reach');
      return table.run(new UpdateCommand(input as never));
    }),
  );
  expect(hidden(aws)).toEqual([90, 90, 90, 90]);
});
