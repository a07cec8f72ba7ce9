import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from './calls.ts';
import { aRestartMessage, INSTANCE, LAUNCHED_MS } from './claimed.ts';
import { aClaim, aStoredWorkspace, ec2Shows, holds, itemOf, mockedAws, portsOver } from './mocked-aws.ts';
import { cancelled, conditionFailed, failedOn } from './refused-writes.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const workspace = (changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({ generation: 4, claim: { ...aClaim(), bootId: 'boot-a' }, ...changes });
const step = async () => (await handleRestarts([received(aRestartMessage())], ports)).get('message-1');

/** The first write is done but its answer lost, so the SDK's own repeat fails its condition: it finds `found`. */
const repeatFinds = (found: (values: Record<string, unknown>) => Workspace) => {
  type Written = { ExpressionAttributeValues: Record<string, unknown> };
  const item = ({ ExpressionAttributeValues }: Written) => itemOf(found(ExpressionAttributeValues));
  aws.dynamo.on(UpdateCommand).callsFake((input: Written) => {
    throw conditionFailed(item(input));
  });
  aws.dynamo.on(TransactWriteCommand).callsFake((input: { TransactItems: [{ Update: Written }] }) => {
    throw cancelled(failedOn(item(input.TransactItems[0].Update)), 'None');
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
    holds(aws, workspace({ claim: { ...claim, launchTimeMs: LAUNCHED_MS } }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    repeatFinds((values) => workspace({ claim: values[':claim'] as NonNullable<Workspace['claim']> }));
    await step();
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(1);
  });

  it('the end stands by our own write - its news goes out', async () => {
    holds(aws, workspace({ claim: { ...aClaim(), launchTimeMs: LAUNCHED_MS } }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    repeatFinds((values) => {
      const { claim: _ended, ...rest } = workspace();
      return { ...rest, endedBy: String(values[':nonce']) };
    });
    expect(await step()).toEqual({ kind: 'done' });
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(1);
  });

  it('the end was another run’s - no second piece of news', async () => {
    holds(aws, workspace({ claim: { ...aClaim(), launchTimeMs: LAUNCHED_MS } }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    repeatFinds(() => {
      const { claim: _ended, ...rest } = workspace();
      return { ...rest, endedBy: 'of another write' };
    });
    await step();
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(0);
  });
});
