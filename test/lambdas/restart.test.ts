import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RestartMessage } from '../../core/messages.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from './calls.ts';
import {
  aStoredWorkspace,
  ec2Shows,
  endedClaims,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
} from './mocked-aws.ts';

const TOKEN = '01KAVERDCTAAAAAAAAAAAAAAAA';
const INSTANCE = 'i-0123456789abcdef0';
const LAUNCHED_MS = NOW_MS - 7_200_000;
const message: RestartMessage = {
  v: 1,
  kind: 'restart',
  workspaceId: 'ws-1',
  instanceId: INSTANCE,
  generation: 4,
  epoch: 0,
  token: TOKEN,
};

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const claimed = (claim: Partial<Claim>, changes: Partial<Workspace> = {}): Workspace =>
  aStoredWorkspace({
    generation: 4,
    retiredBootId: 'boot-a',
    claim: {
      token: TOKEN,
      kind: 'dead',
      reason: 'stopped',
      step: 'admitted',
      attempt: 0,
      epoch: 0,
      sinceMs: NOW_MS - 3000,
      deadlineMs: NOW_MS + 900_000,
      instanceId: INSTANCE,
      launchTimeMs: LAUNCHED_MS,
      bootId: 'boot-a',
      forced: false,
      ...claim,
    },
    ...changes,
  });
const settle = async (changes: Partial<RestartMessage> = {}) =>
  (await handleRestarts([received({ ...message, ...changes })], ports)).get('message-1');
const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
const starts = () => aws.ec2.commandCalls(StartInstancesCommand).length;
const stops = () => aws.ec2.commandCalls(StopInstancesCommand).length;
const endings = () =>
  aws.dynamo.commandCalls(TransactWriteCommand).map((call) => call.args[0].input.TransactItems ?? []);
const ended = () => endedClaims(aws);
const news = () =>
  aws.bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries?.[0]?.DetailType);
const ec2Starts = (previousState: string) =>
  aws.ec2.on(StartInstancesCommand).resolves({
    StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: previousState as 'stopped' } }],
  });

describe('the softer step for a silent agent', () => {
  const silent = claimed({ kind: 'silent' }, { settings: { softRestartSeconds: 60 } });

  it('is intended under the last look of a Stop, then told, and nothing else is done', async () => {
    holds(aws, silent);
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 3 });
    const intent = updates().at(-1);
    expect(intent?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      step: 'admitted',
      softUntilMs: NOW_MS + 60_000,
    });
    expect(intent?.ConditionExpression).toContain('heartbeat.bootId = :bootId');
    expect(intent?.ConditionExpression).toContain('desired = :running');
    expect(intent?.ConditionExpression).toContain('attribute_not_exists(claim.heardAtMs)');
    expect(news()).toEqual(['restart.soft']);
    expect(starts() + stops()).toBe(0);
  });

  it('another copy was faster, or the brake is open - nothing is told', async () => {
    holds(aws, silent);
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 1 });
    holds(aws, silent, [{ pk: 'FLEET', sk: 'BRAKE', revision: 1, brake: 'open', admitted: {}, deaths: [] }]);
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 10 });
    expect(news()).toEqual([]);
  });

  it('the agent came back - the claim ends as done, its old boot stays retired, and nothing was stopped', async () => {
    const heard = { heardAtMs: NOW_MS - 1, heardBootId: 'boot-b', softUntilMs: NOW_MS + 1 };
    holds(aws, claimed({ kind: 'silent', ...heard }, { settings: { softRestartSeconds: 60 } }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(ended()[0]?.UpdateExpression).not.toContain('retiredBootId');
    expect(news()).toEqual(['restart.done']);
    expect(ports.log.counted).toContain('RestartJustified');
    expect(stops()).toBe(0);
  });
});

describe('how a restart is labelled', () => {
  const back = (claim: Partial<Claim>) =>
    claimed(
      { step: 'starting', attempt: 1, starts: 1, startedAtMs: NOW_MS - 5000, ...claim },
      { heartbeat: { atMs: NOW_MS - 1000, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 } },
    );

  it.each([
    ['dead', undefined, 'RestartJustified'],
    ['silent', undefined, 'RestartJustified'],
    ['silent', 'boot-a', 'RestartUnjustified'],
    ['silent', 'boot-b', 'RestartJustified'],
    ['operator', 'boot-a', 'RestartJustified'],
  ] as const)('done, claimed by %s, heard after the verdict: %s - %s', async (kind, heardBootId, metric) => {
    holds(aws, back({ kind, ...(heardBootId !== undefined && { heardBootId, heardAtMs: NOW_MS - 9000 }) }));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 5000 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(ports.log.counted).toContain(metric);
  });
});

describe('a stopped instance', () => {
  it('is started once: the intent with the last look first, then the call, then the success', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
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
    holds(aws, claimed({}));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    aws.dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    await settle();
    expect(starts()).toBe(0);
  });

  it('the brake has opened since the admission - no call is made', async () => {
    holds(aws, claimed({}), [
      { pk: 'FLEET', sk: 'BRAKE', revision: 1, brake: 'open', admitted: {}, deaths: [] },
    ]);
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts()).toBe(0);
  });

  it('the brake cannot be read - no call is made, and the message is seen again', async () => {
    holds(aws, claimed({}), [{ pk: 'FLEET', sk: 'BRAKE', brake: 'rubbish' }]);
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toBeUndefined();
    expect(starts()).toBe(0);
  });

  it('the answer of Start is lost - the claim stays, and the next step goes by the state', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name: 'TimeoutError' }));
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts()).toBe(1);
    expect(ended()).toHaveLength(0);
  });

  it('Start finds it running already, though EC2 goes on saying stopped - a false alarm, and no second Start', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Starts('running');
    expect(await settle()).toEqual({ kind: 'done' });
    expect(ended()[0]?.UpdateExpression).toContain('retiredBootId');
    expect(ports.log.counted).toContain('RestartUnjustified');
  });

  it('Start finds it running, launched after the claim by somebody else - the claim goes on', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StartInstancesCommand).callsFake(() => {
      ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 1000 });
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
      holds(aws, claimed(claim));
      ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 4000 });
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
      holds(aws, claimed({}));
      ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name: code }));
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
      holds(aws, claimed({}));
      ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name: code }));
      expect(await settle()).toMatchObject({ kind: 'again' });
      expect(ended()).toHaveLength(0);
    },
  );
});

describe('EC2 has no capacity, or throttles', () => {
  const refuse = (name: string) =>
    aws.ec2.on(StartInstancesCommand).rejects(Object.assign(new Error(), { name }));

  it.each([
    ['InsufficientInstanceCapacity', 'capacity', 30_000],
    ['RequestLimitExceeded', 'throttle', 3000],
  ])(
    '%s - waits for %s, up to an hour from its begin, and the sweep leaves it alone',
    async (code, waitsFor, waitMs) => {
      holds(aws, claimed({}));
      ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      refuse(code);
      expect(await settle()).toEqual({ kind: 'again', afterSeconds: waitMs / 1000 });
      expect(updates().at(-1)?.ExpressionAttributeValues).toMatchObject({
        ':claim': {
          step: 'start-issued',
          waitsFor,
          notBeforeMs: NOW_MS + waitMs,
          deadlineMs: NOW_MS - 3000 + 3_600_000,
        },
        ':dueAt': NOW_MS + waitMs + 120_000,
      });
    },
  );

  it('a copy that has not read of the wait - its intent fails, and nothing is called: the wait stands (V4)', async () => {
    holds(aws, claimed({ step: 'start-issued', attempt: 1 }));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    refuse('InsufficientInstanceCapacity');
    await settle();
    expect(updates()[0]?.ConditionExpression).toContain('attribute_not_exists(claim.notBeforeMs)');
    holds(aws, claimed({ step: 'start-issued', attempt: 2, notBeforeMs: NOW_MS - 1, waitsFor: 'capacity' }));
    await settle();
    expect(updates()[2]).toMatchObject({
      ConditionExpression: expect.stringContaining('claim.notBeforeMs = :notBefore') as string,
      ExpressionAttributeValues: { ':notBefore': NOW_MS - 1 },
    });
  });

  it('each time it waits longer, up to five minutes, and never at the same moment as others', async () => {
    const waits: number[] = [];
    for (const attempt of [0, 1, 2, 3, 4, 9]) {
      holds(aws, claimed({ step: 'start-issued', attempt }));
      ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
      refuse('InsufficientInstanceCapacity');
      const settled = await settle();
      waits.push(settled?.kind === 'again' ? settled.afterSeconds : 0);
    }
    expect(waits).toEqual([30, 60, 120, 240, 300, 300]);
    ports = { ...ports, ids: { ...ports.ids, jitter: () => 1 } };
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 360 });
  });

  it('resumed by the sweep before its time - waits on, and calls nothing', async () => {
    holds(
      aws,
      claimed({ step: 'start-issued', attempt: 1, waitsFor: 'capacity', notBeforeMs: NOW_MS + 20_000 }),
    );
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 20 });
    expect(starts()).toBe(0);
  });

  it('an hour is over - given up with a page, and not quarantined: capacity may come back', async () => {
    holds(aws, claimed({ step: 'start-issued', attempt: 12, waitsFor: 'capacity', deadlineMs: NOW_MS - 1 }));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news()).toEqual(['restart.failed']);
    expect(ports.log.counted).toContain('RestartFailed');
  });

  it('capacity is back - the success forgets the waiting', async () => {
    holds(aws, claimed({ step: 'start-issued', attempt: 3, waitsFor: 'capacity', notBeforeMs: NOW_MS - 1 }));
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    ec2Starts('stopped');
    await settle();
    const claim = updates().at(-1)?.ExpressionAttributeValues?.[':claim'] as object;
    expect(claim).toMatchObject({ step: 'starting' });
    expect(claim).not.toHaveProperty('waitsFor');
  });
});

describe('what an end leaves behind', () => {
  it('terminated - gone is kept with the workspace, so that no further claim is made', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'terminated');
    await settle();
    expect(ended()[0]?.ExpressionAttributeValues).toMatchObject({
      ':gone': { verdictId: TOKEN, instanceId: INSTANCE, atMs: NOW_MS },
    });
    expect(ports.log.counted).toContain('WorkspaceGone');
  });

  it('never reaches running until its time is over - quarantined, with news of both', async () => {
    holds(aws, claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 1, deadlineMs: NOW_MS - 1 }));
    ec2Shows(aws, 'pending');
    await settle();
    expect(news()).toEqual(['restart.failed', 'workspace.quarantined']);
    expect(ports.log.counted).toEqual(expect.arrayContaining(['RestartFailed', 'WorkspaceQuarantined']));
  });

  it('runs, but its agent is mute until its time is over - reported, and neither restarted nor quarantined', async () => {
    holds(aws, claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 9, deadlineMs: NOW_MS - 1 }));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 9 });
    await settle();
    expect(news()).toEqual(['restart.failed']);
    expect(ports.log.counted).toContain('WorkspaceMute');
    expect(starts() + stops()).toBe(0);
  });

  it("an operator's order that failed - no quarantine: its workspace may be well", async () => {
    holds(aws, claimed({ kind: 'operator', step: 'stop-recorded', deadlineMs: NOW_MS - 1 }));
    ec2Shows(aws, 'stopping');
    await settle();
    expect(news()).toEqual(['restart.failed']);
  });

  it('nothing was done - the restart does not count against the budget', async () => {
    const recentRestartsMs = [NOW_MS - 600_000, NOW_MS - 3000];
    holds(aws, claimed({}, { desired: 'stopped', recentRestartsMs }));
    ec2Shows(aws, 'stopped');
    await settle();
    expect(ended()[0]?.ExpressionAttributeValues).toMatchObject({
      ':recentRestartsMs': [NOW_MS - 600_000],
    });
  });

  it('something was done - it counts', async () => {
    holds(aws, claimed({ step: 'start-issued', attempt: 1 }, { recentRestartsMs: [NOW_MS - 3000] }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(ended()[0]?.UpdateExpression).not.toContain('recentRestartsMs');
  });

  it('stuck in stopping for more than ten minutes - paged, and waited for: no Stop is forced', async () => {
    holds(aws, claimed({ kind: 'operator', step: 'stop-recorded', deadlineMs: NOW_MS + 290_000 }));
    ec2Shows(aws, 'stopping');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(ports.log.counted).toEqual(['StuckStopping']);
  });
});

describe('other states', () => {
  it.each(['pending', 'stopping', 'shutting-down'])('%s - waits, and calls nothing', async (state) => {
    holds(aws, claimed({ step: 'start-issued', attempt: 1 }));
    ec2Shows(aws, state);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(starts() + stops()).toBe(0);
  });

  it('running, and the LaunchTime never moved - a false alarm: ended without any call', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(starts() + stops()).toBe(0);
    expect(ended()).toHaveLength(1);
    expect(news()).toEqual(['restart.done']);
  });

  it('running anew with a beat of a new boot - done', async () => {
    const heartbeat = { atMs: NOW_MS - 500, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 };
    holds(aws, claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }, { heartbeat }));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news()).toEqual(['restart.done']);
    expect(ports.log.counted).toContain('RestartJustified');
    const noted = endings().flatMap(([, second]) => (second?.Put ? [second.Put.Item ?? {}] : []));
    expect(noted).toMatchObject([
      {
        pk: 'WS#ws-1',
        restart: {
          outcome: 'done',
          label: 'justified',
          endedAtMs: NOW_MS,
          reason: expect.any(String) as string,
        },
      },
    ]);
    expect(noted[0]?.['sk']).toBe(`RESTART#${(noted[0]?.['restart'] as { token: string }).token}`);
  });

  it('its end is another copy’s - not told a second time, nor noted for the story', async () => {
    const heartbeat = { atMs: NOW_MS - 500, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 };
    holds(aws, claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }, { heartbeat }));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    aws.dynamo.on(TransactWriteCommand).rejects(
      new TransactionCanceledException({
        message: 'ended',
        $metadata: {},
        CancellationReasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
      }),
    );
    await settle();
    expect(news()).toEqual([]);
  });

  it('running anew without a beat - waits', async () => {
    holds(aws, claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await settle()).toMatchObject({ kind: 'again' });
  });

  it('terminated - given up as gone, never started', async () => {
    holds(aws, claimed({}));
    ec2Shows(aws, 'terminated');
    await settle();
    expect(starts()).toBe(0);
    expect(news()).toEqual(['workspace.gone']);
  });
});

describe('fencing', () => {
  it.each([{ token: '01KAOTHERAAAAAAAAAAAAAAAAA' }, { epoch: 1 }, { workspaceId: 'ws-2' }])(
    'a message that is not of this very claim (%o) - changes nothing',
    async (changes) => {
      holds(aws, claimed({}));
      ec2Shows(aws, 'stopped');
      expect(await settle(changes)).toEqual({ kind: 'done' });
      expect(updates()).toHaveLength(0);
      expect(starts() + stops()).toBe(0);
    },
  );

  it('the workspace is wanted stopped by now - cancelled, nothing is started', async () => {
    holds(aws, claimed({}, { desired: 'stopped' }));
    ec2Shows(aws, 'stopped');
    await settle();
    expect(starts()).toBe(0);
    expect(ended()).toHaveLength(1);
  });

  it('paused since - waits, nothing is started', async () => {
    holds(aws, claimed({}, { pause: { by: 'role/op', reason: 'look' } }));
    ec2Shows(aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 30 });
    expect(starts()).toBe(0);
  });
});

describe('admission', () => {
  it('closed brake and a free slot - the token is added at the revision that was read', async () => {
    holds(aws, claimed({ step: 'awaiting-admission' }));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 0 });
    const put = aws.dynamo.commandCalls(PutCommand)[0]?.args[0].input;
    expect(put?.Item?.['admitted']).toMatchObject({ [TOKEN]: { workspaceId: 'ws-1' } });
    expect(put?.ConditionExpression).toContain('revision = :revision');
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({ step: 'admitted' });
  });

  it('more deaths at once than the brake allows - it opens, with an event, and nobody is admitted', async () => {
    const deaths = ['a', 'b'].map((workspaceId) => ({ workspaceId, atMs: NOW_MS - 1000 }));
    holds(aws, claimed({ step: 'awaiting-admission' }), [
      { pk: 'FLEET', sk: 'BRAKE', revision: 7, brake: 'closed', admitted: {}, deaths },
      { pk: 'FLEET', sk: 'SIZE', workspaces: 5 },
    ]);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(news()).toEqual(['brake.opened']);
    expect(updates()).toHaveLength(0);
  });
});

describe('a silent agent on a running instance', () => {
  const silent = { kind: 'silent' as const, reason: 'silent', settleUntilMs: NOW_MS + 60_000 };

  it('is stopped once, and only if no settle window was announced since', async () => {
    holds(aws, claimed(silent, { settleUntilMs: NOW_MS + 60_000 }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StopInstancesCommand).resolves({
      StoppingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: 'running' } }],
    });
    await settle();
    expect(stops()).toBe(1);
    expect(updates()[0]?.ConditionExpression).toContain('attribute_not_exists(claim.heardAtMs)');
    expect(updates()[0]?.ConditionExpression).toContain('settleUntilMs <= :claimSettle');
  });

  it('was heard after the claim - a false alarm: nothing is stopped, and its boot counts again', async () => {
    holds(aws, claimed({ ...silent, heardAtMs: NOW_MS - 500 }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(0);
    expect(ended()[0]?.UpdateExpression).toContain('retiredBootId');
    expect(ports.log.counted).toContain('RestartUnjustified');
  });

  it('a change was announced after the claim - waits until that window has ended', async () => {
    holds(aws, claimed(silent, { settleUntilMs: NOW_MS + 90_000 }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(stops()).toBe(0);
  });
});

describe('an order by an operator', () => {
  const order = { kind: 'operator' as const, step: 'admitted' as const, reason: 'please' };

  it('running and still the condemned boot - stopped once, behind its own intent that names the boot', async () => {
    holds(aws, claimed(order));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    aws.ec2.on(StopInstancesCommand).resolves({
      StoppingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: 'running' } }],
    });
    await settle();
    expect(stops()).toBe(1);
    expect(updates()[0]?.ConditionExpression).toContain('heartbeat.bootId = :bootId');
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      step: 'stop-issued',
      stopLeaseUntilMs: NOW_MS + 20_000,
    });
    expect(updates()[1]?.ExpressionAttributeValues?.[':claim']).toMatchObject({ step: 'stop-recorded' });
  });

  it('a new boot was heard since the order - never stopped: the agent has restarted by itself', async () => {
    holds(aws, claimed({ ...order, heardAtMs: NOW_MS - 500, heardBootId: 'boot-b' }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(0);
    expect(ended()).toHaveLength(1);
  });

  it('only the condemned boot was heard - stopped all the same: an order ignores heartbeats', async () => {
    holds(aws, claimed({ ...order, heardAtMs: NOW_MS - 500, heardBootId: 'boot-a' }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(stops()).toBe(1);
  });

  it('the LaunchTime has moved since the order - never stopped: it is the result', async () => {
    holds(aws, claimed(order));
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 1000 });
    await settle();
    expect(stops()).toBe(0);
  });

  it.each(['stop-issued', 'stop-recorded', 'start-issued', 'starting'] as const)(
    'still running in step %s - no second Stop, whatever came of the first',
    async (step) => {
      holds(aws, claimed({ ...order, step, stopLeaseUntilMs: NOW_MS - 60_000 }));
      ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
      await settle();
      expect(stops()).toBe(0);
    },
  );
});
