import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from 'vitest';
import { openEc2Power } from '../../lambdas/adapters/ec2-power.ts';
import { BadCursorError, cursorOf, keyOfCursor } from '../../lambdas/adapters/table.ts';
import { readWorkspaceItem } from '../../lambdas/adapters/workspace-item.ts';
import { INSTANCE } from './claimed.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});
const probe = async () => (await ports.ec2.look([INSTANCE])).get(INSTANCE)?.probe;

describe('the probe', () => {
  it('asks by filter, so that one unknown id does not fail the others', async () => {
    ec2Shows(aws, 'running');
    await probe();
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)[0]?.args[0].input).toEqual({
      Filters: [{ Name: 'instance-id', Values: [INSTANCE] }],
    });
  });

  it.each([
    ['RequestLimitExceeded', 'throttled'],
    ['Throttling', 'throttled'],
    ['InvalidInstanceID.NotFound', 'not-found'],
    ['UnauthorizedOperation', 'error'],
    ['TimeoutError', 'error'],
  ])('the error %s - unknown, %s', async (name, cause) => {
    aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(), { name }));
    expect(await probe()).toEqual({ kind: 'unknown', cause });
  });

  it.each([
    ['an empty answer', [], 'absent'],
    ['other instances only', [{ InstanceId: 'i-0ffffffffffffffff', State: { Name: 'stopped' } }], 'absent'],
    ['a state nobody knows', [{ InstanceId: INSTANCE, State: { Name: 'odd' } }], 'malformed'],
    ['a state without a name', [{ InstanceId: INSTANCE, State: { Code: 80 } }], 'malformed'],
    [
      'the same id twice',
      [
        { InstanceId: INSTANCE, State: { Name: 'stopped' } },
        { InstanceId: INSTANCE, State: { Name: 'running' } },
      ],
      'malformed',
    ],
  ])('%s - unknown, never a sighting', async (_what, instances, cause) => {
    aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: instances as never }] });
    expect(await probe()).toEqual({ kind: 'unknown', cause });
  });

  it('no LaunchTime in the answer - the state is known, the LaunchTime is not', async () => {
    aws.ec2
      .on(DescribeInstancesCommand)
      .resolves({ Reservations: [{ Instances: [{ InstanceId: INSTANCE, State: { Name: 'running' } }] }] });
    expect(await probe()).toEqual({ kind: 'seen', state: 'running', instanceId: INSTANCE });
  });
});

describe('the power', () => {
  it('never repeats a call by itself', async () => {
    expect(await openEc2Power().config.maxAttempts()).toBe(1);
  });

  it('a lost answer - unclear, since it may have been done', async () => {
    aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name: 'TimeoutError' }));
    expect(await ports.power.start(INSTANCE)).toEqual({ kind: 'unclear', code: 'TimeoutError' });
  });

  it('an answer without our instance - unclear', async () => {
    aws.ec2.on(StopInstancesCommand).resolves({ StoppingInstances: [] });
    expect(await ports.power.stop(INSTANCE)).toMatchObject({ kind: 'unclear' });
  });
});

describe('events', () => {
  it('the bus refuses one - counted, and the work goes on', async () => {
    aws.bus.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] });
    await ports.events.publish('verdict.final', { workspaceId: 'ws-1' });
    expect(ports.log.counted).toEqual(['EventNotPublished']);
  });
});

describe('a stored workspace', () => {
  it('is read as it was written', () => {
    const workspace = aStoredWorkspace();
    expect(readWorkspaceItem(itemOf(workspace))).toEqual(workspace);
  });

  it.each([
    ['of a newer schema', { v: 2 }],
    ['with a number as text', { generation: '3' }],
    ['without a settle window', { settleUntilMs: undefined }],
    ['with a negative time', { freshUntilMs: -1 }],
    ['with a claim in an unknown step', { claim: { step: 'odd' } }],
  ])('%s - malformed, so that nothing is concluded from it', (_what, changes) => {
    expect(readWorkspaceItem({ ...itemOf(aStoredWorkspace()), ...changes })).toBe('malformed');
  });

  it('a tombstone - absent', () => {
    expect(readWorkspaceItem({ removed: true, generation: 9 })).toBe('absent');
    expect(readWorkspaceItem(undefined)).toBe('absent');
  });
});

describe('a cursor', () => {
  const key = { listKey: 'WORKSPACES', listSort: 'ws-1', pk: 'WS#ws-1', sk: 'STATE' };
  const shape = { listKey: 'WORKSPACES', listSort: /^[\w.-]{1,128}$/, pk: /^WS#[\w.-]{1,128}$/, sk: 'STATE' };

  it('leads back to where the page ended, within its own list', () => {
    expect(keyOfCursor(cursorOf(key).cursor, shape)).toEqual(key);
    expect(keyOfCursor(undefined, shape)).toBeUndefined();
  });

  it.each([
    ['rubbish', 'rubbish'],
    ['JSON that is no object', Buffer.from('null').toString('base64url')],
    ['of another list', cursorOf({ ...key, listKey: 'ENDED#ws-2' }).cursor],
    ['of another item', cursorOf({ ...key, sk: 'PARKED' }).cursor],
    ['with a number for a text', cursorOf({ ...key, listSort: 5 }).cursor],
    ['with an empty text, which DynamoDB takes for no key', cursorOf({ ...key, pk: '' }).cursor],
    ['with a part missing', cursorOf({ listKey: 'WORKSPACES' }).cursor],
    ['with one more', cursorOf({ ...key, more: 'x' }).cursor],
  ])('%s - refused', (_what, cursor) => {
    expect(() => keyOfCursor(cursor, shape)).toThrow(BadCursorError);
  });
});
