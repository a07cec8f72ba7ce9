import { StartInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { claimed, INSTANCE, LAUNCHED_MS, TOKEN } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, settle, updates, starts, stops, news, counted, ended, ec2Starts, ec2Refuses } = world;

describe('a stopped instance', () => {
  it('is started once: the intent with the last look first, then the call, then the success', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Starts('stopped');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts()).toBe(1);
    expect(stops()).toBe(0);
    const [intent, success] = updates();
    expect(intent?.ConditionExpression).toContain('desired = :running');
    expect(intent?.ConditionExpression).toContain('pause.untilMs <= :pauseEnd');
    expect(intent?.ExpressionAttributeValues?.[':claim']).toMatchObject({ step: 'start-issued', attempt: 1 });
    expect(success?.ExpressionAttributeValues).toMatchObject({
      ':claim': { step: 'starting', startedAtMs: NOW_MS },
      ':settleUntil': NOW_MS + 60_000,
    });
    expect(news()).toEqual(['restart.started']);
  });

  it('the last look fails - no call is made', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await settle();
    expect(starts()).toBe(0);
  });

  it('the brake has opened since the admission - no call is made', async () => {
    hold(claimed(), [fleetItem({ brake: 'open' })]);
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts()).toBe(0);
  });

  it('the brake cannot be read - no call is made, and the message is seen again', async () => {
    hold(claimed(), [{ pk: 'FLEET', sk: 'BRAKE', brake: 'rubbish' }]);
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toBeUndefined();
    expect(starts()).toBe(0);
  });

  it('the answer of Start is lost - the claim stays, and the next step goes by the state', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Refuses('start', 'TimeoutError');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts()).toBe(1);
    expect(ended()).toHaveLength(0);
  });

  it('Start finds it running already, though EC2 goes on saying stopped - a false alarm, and no second Start', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Starts('running');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(ended()[0]?.UpdateExpression).toContain('retiredBootId');
    expect(counted()).toContain('RestartUnjustified');
  });

  it('Start finds it running, launched after the claim by somebody else - the claim goes on', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    world.aws.ec2.on(StartInstancesCommand).callsFake(() => {
      ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 1000 });
      return { StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: 'running' } }] };
    });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(ended()).toHaveLength(0);
  });

  it.each([
    ['the answer of our own Start was lost', { step: 'start-issued' as const, attempt: 1 }],
    ['somebody else started it', {}],
  ])(
    'it runs anew, %s - the claim takes the launch as its start, so that beats of the new boot count',
    async (_why, claim) => {
      hold(claimed(claim));
      ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 4000 });
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
        ':claim': { step: 'starting', startedAtMs: NOW_MS - 4000 },
        ':settleUntil': NOW_MS + 56_000,
      });
      expect(starts()).toBe(0);
    },
  );

  it.each(['UnauthorizedOperation', 'OperationNotPermitted'])(
    '%s - given up with notice, and not tried again until somebody has looked',
    async (code) => {
      hold(claimed());
      ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      ec2Refuses('start', code);
      expect(await settle()).toEqual({ kind: 'done' });
      expect(news()).toEqual(['restart.failed', 'workspace.quarantined']);
      expect(ended()[0]?.ExpressionAttributeValues?.[':quarantine']).toMatchObject({
        verdictId: TOKEN,
        because: code,
      });
    },
  );

  it.each(['InsufficientInstanceCapacity', 'RequestLimitExceeded', 'IncorrectInstanceState'])(
    '%s - tried again later, the claim stays',
    async (code) => {
      hold(claimed());
      ec2Shows(world.aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      ec2Refuses('start', code);
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(ended()).toHaveLength(0);
    },
  );
});
