import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { aClaim, aStoredWorkspace, ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { conditionFailed } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, orders, updates, puts, claimWrites, sent } = world;

describe('restart by order', () => {
  const route = 'POST /workspaces/{workspaceId}/restart';

  it('a running workspace - 202 with the claim, which names the boot and LaunchTime of this moment', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    expect(await orders(route, { reason: 'please' })).toMatchObject({
      status: 202,
      body: { claim: { reason: 'please' } },
    });
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({
      kind: 'operator',
      bootId: 'boot-a',
      launchTimeMs: NOW_MS - 7_200_000,
    });
    expect(updates()[0]?.ConditionExpression).not.toContain('freshUntilMs');
    expect(sent('restart')).toHaveLength(1);
  });

  it.each([
    ['a claim is open', { claim: aClaim() }, 'restarting', false],
    ['inside the settle window', { settleUntilMs: NOW_MS + 1000 }, 'settling', false],
    ['paused', { pause: { by: 'x', reason: 'y' } }, 'paused', false],
    ['wanted stopped, even by force', { desired: 'stopped' as const }, 'paused', true],
    ['a claim is open, even by force', { claim: aClaim() }, 'restarting', true],
    [
      'three restarts lately',
      { recentRestartsMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1] },
      'restart-budget-spent',
      false,
    ],
  ])('%s - 409, nothing is claimed', async (_what, changes, code, force) => {
    hold(aStoredWorkspace(changes));
    ec2Shows(world.aws, 'running');
    expect(await orders(route, { reason: 'please', force })).toMatchObject({ status: 409, body: { code } });
    expect(sent('restart')).toHaveLength(0);
  });

  it('force overrides settle window, pause and budget', async () => {
    hold(
      aStoredWorkspace({
        settleUntilMs: NOW_MS + 1000,
        pause: { by: 'x', reason: 'y' },
        recentRestartsMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1],
      }),
    );
    ec2Shows(world.aws, 'running');
    expect(await orders(route, { reason: 'please', force: true })).toMatchObject({ status: 202 });
    expect(updates()[0]?.ConditionExpression).not.toMatch(/:settledBefore|pause/);
  });

  it('the same Idempotency-Key within a day - the first answer, no second claim', async () => {
    const answer = { status: 202, headers: {}, body: { workspaceId: 'ws-1' } };
    const value = {
      fingerprint: world.ports.ids.fingerprint(JSON.stringify({ reason: 'please', forced: false })),
      answer,
    };
    hold(aStoredWorkspace(), [{ pk: 'IDEM#role/operator#ws-1#restart:k1', sk: 'ANSWER', value }]);
    const changes = { headers: { 'idempotency-key': 'k1' } };
    expect(await orders(route, { reason: 'please' }, changes)).toEqual(answer);
    expect(updates()).toHaveLength(0);
  });
});

describe('an order leaves a record before it leaves anything else (S35)', () => {
  const records = () => puts().map(({ Item }) => Item?.['order'] as object);

  it('a restart - who, why, and what EC2 had said', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    await orders('POST /workspaces/{workspaceId}/restart', { reason: 'upgrade', force: true });
    expect(records()).toMatchObject([
      { what: 'force-restart', by: 'role/operator', reason: 'upgrade', probe: { state: 'running' } },
    ]);
    expect(claimWrites()).toHaveLength(1);
  });

  it('the record cannot be written - nothing is claimed', async () => {
    hold(aStoredWorkspace());
    ec2Shows(world.aws, 'running');
    world.aws.dynamo.on(PutCommand).rejects(new Error('down'));
    await expect(orders('POST /workspaces/{workspaceId}/restart', { reason: 'upgrade' })).rejects.toThrow(
      'down',
    );
    expect(claimWrites()).toHaveLength(0);
  });
});

describe('a restart that waits for a yes', () => {
  const route = 'POST /workspaces/{workspaceId}/restart/approve';
  const waiting = { ...aClaim(), step: 'awaiting-approval' as const };

  it('yes - goes on to its admission under a new epoch, with the record first, and is sent', async () => {
    hold(aStoredWorkspace({ claim: waiting }));
    expect(await orders(route, { reason: 'seen it' })).toMatchObject({
      status: 202,
      body: { claim: { token: waiting.token, step: 'awaiting-admission' } },
    });
    expect(puts()[0]?.Item?.['order']).toMatchObject({
      what: 'approve-restart',
      by: 'role/operator',
      reason: 'seen it',
      token: waiting.token,
    });
    expect(updates()[0]?.ConditionExpression).toContain('claim.#step = :step');
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
      ':step': 'awaiting-approval',
      ':claim': { step: 'awaiting-admission', epoch: 1, deadlineMs: NOW_MS + 900_000 },
    });
    expect(sent('restart')).toMatchObject([{ token: waiting.token, epoch: 1 }]);
  });

  it('no body - a yes needs no reason', async () => {
    hold(aStoredWorkspace({ claim: waiting }));
    expect(await orders(route, '')).toMatchObject({ status: 202 });
  });

  it.each([
    ['no claim is open', {}],
    ['the claim needs none, or was given it', { claim: aClaim() }],
  ])('%s - 409, and nothing is written', async (_why, changes) => {
    hold(aStoredWorkspace(changes));
    expect(await orders(route, {})).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(updates()).toHaveLength(0);
  });

  it('two say yes at once - the second finds it given', async () => {
    hold(aStoredWorkspace({ claim: waiting }));
    world.aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    expect(await orders(route, {})).toMatchObject({ status: 409 });
    expect(world.aws.sqs.commandCalls(SendMessageCommand)).toHaveLength(0);
  });
});
