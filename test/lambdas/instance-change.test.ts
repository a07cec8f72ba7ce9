import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { instanceIndex } from '../../lambdas/adapters/instance-index.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleInstanceChange, type InstanceChangePorts } from '../../lambdas/instance-change/handle.ts';
import { INSTANCE } from './claimed.ts';
import { aClaim, aStoredWorkspace, holds, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: InstanceChangePorts & ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  const table = openTable(TABLE);
  ports = { ...portsOver(aws), registry: registry(table), instances: instanceIndex(table) };
});

const index = (...workspaceIds: string[]) => ({
  pk: `INSTANCE#${INSTANCE}`,
  sk: 'WORKSPACES',
  workspaceIds: new Set(workspaceIds),
});
const event = (changes: object = {}, detail: object = {}) => ({
  version: '0',
  id: 'e-1',
  source: 'aws.ec2',
  'detail-type': 'EC2 Instance State-change Notification',
  account: '111122223333',
  time: new Date(NOW_MS - 2000).toISOString(),
  region: 'us-east-1',
  resources: [],
  detail: { 'instance-id': INSTANCE, state: 'pending', ...detail },
  ...changes,
});
const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);

describe('an instance starts', () => {
  it.each(['pending', 'running'])(
    '%s, and nobody ordered it here - its workspace settles from then on, and only ever later (S17)',
    async (state) => {
      holds(aws, aStoredWorkspace(), [index('ws-1')]);
      await handleInstanceChange(event({}, { state }), ports);
      expect(updates()).toHaveLength(1);
      expect(updates()[0]?.ConditionExpression).toBe('generation = :generation AND settleUntilMs <= :until');
      expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
        ':until': NOW_MS - 2000 + 60_000,
        ':because': `instance-${state}`,
        ':generation': 3,
      });
    },
  );

  it.each([
    ['a restart is under way: it has its own anchors', { claim: aClaim() }],
    ['its workspace has another instance by now', { instanceId: 'i-0fedcba9876543210' }],
    ['a window reaches further already', { settleUntilMs: NOW_MS + 58_001 }],
  ])('%s - nothing changes', async (_why, changes) => {
    holds(aws, aStoredWorkspace(changes), [index('ws-1')]);
    await handleInstanceChange(event(), ports);
    expect(updates()).toHaveLength(0);
  });

  it('the instance is none of ours - nothing changes', async () => {
    holds(aws, aStoredWorkspace());
    await handleInstanceChange(event(), ports);
    expect(updates()).toHaveLength(0);
  });

  it('the event is late by more than the window - nothing changes', async () => {
    holds(aws, aStoredWorkspace({ settleUntilMs: NOW_MS - 1 }), [index('ws-1')]);
    await handleInstanceChange(event({ time: new Date(NOW_MS - 3_600_000).toISOString() }), ports);
    expect(updates()).toHaveLength(0);
  });

  it('the event is of the future - nothing changes, and it is counted: it would settle for long', async () => {
    holds(aws, aStoredWorkspace(), [index('ws-1')]);
    await handleInstanceChange(event({ time: new Date(NOW_MS + 5001).toISOString() }), ports);
    expect(updates()).toHaveLength(0);
    expect(ports.log.counted).toEqual(['InstanceEventMalformed']);
  });

  it('the workspace changes meanwhile - read again; in the end the event is tried again as a whole', async () => {
    holds(aws, aStoredWorkspace(), [index('ws-1')]);
    aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await expect(handleInstanceChange(event(), ports)).rejects.toThrow('changed 3 times');
    expect(updates()).toHaveLength(3);
  });
});

describe('what is no such event', () => {
  it.each([
    ['nothing', undefined],
    ['text', 'pending'],
    ['no detail', event({ detail: undefined })],
    ['another source', event({ source: 'acme.ec2' })],
    ['another type', event({ 'detail-type': 'Scheduled Event' })],
    ['no time', event({ time: undefined })],
    ['a time that is none', event({ time: 'yesterday' })],
    ['an instance id that is none', event({}, { 'instance-id': 'i-*' })],
    ['a state that starts nothing', event({}, { state: 'stopped' })],
    ['a state nobody knows', event({}, { state: 'rebooting' })],
  ])('%s - changes nothing, and is not tried again', async (_what, given) => {
    holds(aws, aStoredWorkspace(), [index('ws-1')]);
    await handleInstanceChange(given, ports);
    expect(updates()).toHaveLength(0);
    expect(ports.log.counted).toEqual(['InstanceEventMalformed']);
  });
});
