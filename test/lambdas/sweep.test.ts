import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aStoredWorkspace, dated, holds, mockedAws, NOW_MS, portsOver, QUEUE, TABLE } from './mocked-aws.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
const REQUEST = '01KAREQESTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleSweep>[0];
beforeEach(() => {
  aws = mockedAws();
  ports = { ...portsOver(aws), due: dueWork(openTable(TABLE)) };
  aws.dynamo.on(QueryCommand).resolves({ Items: [], $metadata: dated() });
});

const due = (partition: string, pk: string) => {
  aws.dynamo.on(QueryCommand).callsFake((input: { ExpressionAttributeValues: Record<string, unknown> }) => ({
    Items: input.ExpressionAttributeValues[':due'] === partition ? [{ pk }] : [],
    $metadata: dated(),
  }));
};
const sent = (queue: keyof typeof QUEUE) =>
  aws.sqs
    .commandCalls(SendMessageCommand)
    .filter((call) => call.args[0].input.QueueUrl === QUEUE[queue])
    .map((call) => JSON.parse(call.args[0].input.MessageBody ?? '') as Record<string, unknown>);
const evidence = (atMs: number) => ({
  kind: 'stopped' as const,
  verdictId: VERDICT,
  atMs,
  generation: 3,
  instanceId: 'i-0123456789abcdef0',
  round: 0,
});
const claim = {
  token: VERDICT,
  kind: 'dead' as const,
  reason: 'stopped',
  step: 'admitted' as const,
  attempt: 0,
  epoch: 2,
  sinceMs: NOW_MS - 300_000,
  deadlineMs: NOW_MS + 600_000,
  instanceId: 'i-0123456789abcdef0',
  forced: false,
};

describe('the sweep', () => {
  it('evidence without a verdict - its re-probe is asked for again', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ evidence: evidence(NOW_MS - 15_000) }));
    await handleSweep(ports);
    expect(sent('reprobe')).toMatchObject([{ verdictId: VERDICT }]);
  });

  it('evidence that everybody forgot - removed', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ evidence: evidence(NOW_MS - 600_000) }));
    await handleSweep(ports);
    expect(sent('reprobe')).toHaveLength(0);
    expect(aws.dynamo.commandCalls(UpdateCommand)[0]?.args[0].input.UpdateExpression).toContain(
      'REMOVE evidence',
    );
  });

  it('a claim without news - resumed under a higher epoch, with the same token', async () => {
    due('DUE#WORKSPACES', 'WS#ws-1');
    holds(aws, aStoredWorkspace({ claim }));
    await handleSweep(ports);
    expect(sent('restart')).toMatchObject([{ token: VERDICT, epoch: 3 }]);
    expect(aws.dynamo.commandCalls(UpdateCommand)[0]?.args[0].input.ConditionExpression).toContain(
      'claim.epoch = :epoch',
    );
  });

  it.each([
    ['never accepted', { state: 'accepting', expiresAtMs: NOW_MS + 1 }, 'refused'],
    ['past its time', { state: 'parked', expiresAtMs: NOW_MS - 1 }, 'expired'],
  ])('a request that is %s - ended', async (_what, changes, state) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    const row = {
      pk: `REQ#${REQUEST}`,
      sk: 'REQUEST',
      requestId: REQUEST,
      workspaceId: 'ws-1',
      caller: 'role/proxy',
      bodyBytes: 1,
    };
    holds(aws, aStoredWorkspace(), [{ ...row, ...changes }]);
    await handleSweep(ports);
    const [end] = aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(end?.Update?.ExpressionAttributeValues).toMatchObject({ ':state': state });
    expect(end?.Update?.ConditionExpression).toContain('#state = :from');
  });

  it('the slot of a claim that has ended - freed; that of an open one - kept', async () => {
    const slot = { workspaceId: 'ws-1', deadlineMs: NOW_MS + 600_000 };
    const fleet = {
      pk: 'FLEET',
      sk: 'BRAKE',
      revision: 4,
      brake: 'closed',
      deaths: [],
      admitted: { [VERDICT]: slot, OTHER: slot },
    };
    holds(aws, aStoredWorkspace({ claim }), [fleet]);
    await handleSweep(ports);
    const [put] = aws.dynamo.commandCalls(PutCommand);
    expect(Object.keys(put?.args[0].input.Item?.['admitted'] as object)).toEqual([VERDICT]);
  });

  it.each([300_000, -300_000])('its clock is %i ms off - nothing is swept by it', async (offMs) => {
    due('DUE#REQUESTS', `REQ#${REQUEST}`);
    const row = {
      pk: `REQ#${REQUEST}`,
      sk: 'REQUEST',
      requestId: REQUEST,
      workspaceId: 'ws-1',
      bodyBytes: 1,
    };
    holds(aws, aStoredWorkspace(), [{ ...row, state: 'parked', expiresAtMs: NOW_MS + 200_000 }]);
    const clock = { ...ports.clock, nowMs: () => NOW_MS + offMs };
    await handleSweep({ ...ports, clock });
    expect(aws.dynamo.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('one row that fails - the others are swept all the same', async () => {
    aws.dynamo
      .on(QueryCommand)
      .callsFake((input: { ExpressionAttributeValues: Record<string, unknown> }) => ({
        Items:
          input.ExpressionAttributeValues[':due'] === 'DUE#WORKSPACES'
            ? [{ pk: 'WS#bad' }, { pk: 'WS#ws-1' }]
            : [],
        $metadata: dated(),
      }));
    holds(aws, aStoredWorkspace({ claim }), [
      {
        pk: 'WS#bad',
        sk: 'STATE',
        get v(): never {
          throw new Error('fault');
        },
      },
    ]);
    await handleSweep(ports);
    expect(sent('restart')).toHaveLength(1);
  });
});
