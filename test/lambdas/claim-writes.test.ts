import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from './calls.ts';
import { aClaim, aStoredWorkspace, ec2Shows, holds, itemOf, mockedAws, portsOver } from './mocked-aws.ts';

const INSTANCE = 'i-0123456789abcdef0';
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const workspace = (changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ generation: 4, claim: { ...aClaim(), bootId: 'boot-a' }, ...changes });
const step = async () =>
  (
    await handleRestarts(
      [
        received({
          v: 1,
          kind: 'restart',
          workspaceId: 'ws-1',
          instanceId: INSTANCE,
          generation: 4,
          epoch: 0,
          token: aClaim().token,
        }),
      ],
      ports,
    )
  ).get('message-1');

/** The first write is done but its answer lost, so the SDK's own repeat fails its condition: it finds `found`. */
const repeatFinds = (found: (values: Record<string, unknown>) => Workspace) => {
  type Written = { ExpressionAttributeValues: Record<string, unknown> };
  const Item = ({ ExpressionAttributeValues }: Written) =>
    marshall(itemOf(found(ExpressionAttributeValues)), { removeUndefinedValues: true });
  const refused = { message: 'no', $metadata: {} };
  aws.dynamo.on(UpdateCommand).callsFake((input: Written) => {
    throw new ConditionalCheckFailedException({ ...refused, Item: Item(input) });
  });
  aws.dynamo.on(TransactWriteCommand).callsFake((input: { TransactItems: [{ Update: Written }] }) => {
    const reason = { Code: 'ConditionalCheckFailed', Item: Item(input.TransactItems[0].Update) };
    throw new TransactionCanceledException({ ...refused, CancellationReasons: [reason, { Code: 'None' }] });
  });
};
const starts = () => aws.ec2.commandCalls(StartInstancesCommand).length;

describe('a claim write whose answer was lost', () => {
  it('the intent of a Start stands by our own write - it is a win, and Start is called once', async () => {
    holds(aws, workspace());
    ec2Shows(aws, 'stopped');
    aws.ec2.on(StartInstancesCommand).resolves({
      StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: 'stopped' } }],
    });
    repeatFinds((values) => workspace({ claim: values[':claim'] as NonNullable<Workspace['claim']> }));
    await step();
    expect(starts()).toBe(1);
  });

  it('another copy of the message wrote the very same intent - it is a loss, and nothing is called', async () => {
    holds(aws, workspace());
    ec2Shows(aws, 'stopped');
    repeatFinds((values) =>
      workspace({
        claim: { ...(values[':claim'] as NonNullable<Workspace['claim']>), nonce: 'of another write' },
      }),
    );
    await step();
    expect(starts()).toBe(0);
  });

  it('the intent of a Stop stands by our own write - the one Stop is called, and the restart is not lost', async () => {
    const claim = { ...aClaim(), kind: 'operator' as const, bootId: 'boot-a' };
    holds(aws, workspace({ claim: { ...claim, launchTimeMs: ec2LaunchMs } }));
    ec2Shows(aws, 'running', { launchTimeMs: ec2LaunchMs });
    repeatFinds((values) => workspace({ claim: values[':claim'] as NonNullable<Workspace['claim']> }));
    await step();
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(1);
  });

  it('the end stands by our own write - its news goes out', async () => {
    holds(aws, workspace({ claim: { ...aClaim(), launchTimeMs: ec2LaunchMs } }));
    ec2Shows(aws, 'running', { launchTimeMs: ec2LaunchMs });
    repeatFinds((values) => {
      const { claim: _ended, ...rest } = workspace();
      return { ...rest, endedBy: String(values[':nonce']) };
    });
    expect(await step()).toEqual({ kind: 'done' });
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(1);
  });

  it('the end was another run’s - no second piece of news', async () => {
    holds(aws, workspace({ claim: { ...aClaim(), launchTimeMs: ec2LaunchMs } }));
    ec2Shows(aws, 'running', { launchTimeMs: ec2LaunchMs });
    repeatFinds(() => {
      const { claim: _ended, ...rest } = workspace();
      return { ...rest, endedBy: 'of another write' };
    });
    await step();
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(0);
  });
});

const ec2LaunchMs = Date.parse('2026-11-24T10:00:00Z');
