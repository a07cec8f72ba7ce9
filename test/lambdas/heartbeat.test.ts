import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { apiCall } from './calls.ts';
import { INSTANCE } from './claimed.ts';
import { aClaim, aStoredWorkspace, holds, itemOf, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const beat = (body: object, session = INSTANCE) =>
  handleHeartbeat(
    apiCall('POST /workspaces/{workspaceId}/heartbeats', body, {
      caller: { principal: 'role/agent', roleName: 'agent', session },
    }),
    ports,
  );
const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
/** The usual write is refused, and the table shows this workspace; later writes go through. */
const finds = (workspace: Workspace) => {
  aws.dynamo
    .on(UpdateCommand)
    .rejectsOnce(conditionFailed(itemOf(workspace)))
    .resolves({ Attributes: itemOf(workspace) });
};

describe('a beat of the known boot', () => {
  it('is one conditional write: instance by session, boot, rising sequence, freshness forward', async () => {
    aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(aStoredWorkspace()) });
    expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 204 });
    expect(updates()).toHaveLength(1);
    expect(updates()[0]?.ConditionExpression).toBe(
      'instanceId = :instanceId AND freshUntilMs <= :freshUntil AND heartbeat.bootId = :bootId AND heartbeat.seq < :seq' +
        ' AND (attribute_not_exists(retiredBootId) OR retiredBootId <> :bootId)' +
        ' AND attribute_not_exists(settings.freshSeconds)',
    );
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
      ':instanceId': INSTANCE,
      ':freshUntil': NOW_MS + 15_000,
      ':beat': { atMs: NOW_MS, seq: 42, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
    });
  });

  it('an interval of 20 s - fresh for three of them', async () => {
    aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(aStoredWorkspace()) });
    await beat({ bootId: 'boot-a', seq: 42, intervalSeconds: 20 });
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({ ':freshUntil': NOW_MS + 60_000 });
  });

  it('a busy lease - fresh until it ends, and no beat is needed meanwhile', async () => {
    aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(aStoredWorkspace()) });
    await beat({ bootId: 'boot-a', seq: 42, busyUntil: new Date(NOW_MS + 600_000).toISOString() });
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({ ':freshUntil': NOW_MS + 600_000 });
  });

  it('a longer lease is still running - the beat is recorded, and freshness does not move back', async () => {
    finds(aStoredWorkspace({ freshUntilMs: NOW_MS + 500_000 }));
    expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 204 });
    expect(updates()[1]?.ExpressionAttributeValues).toMatchObject({ ':freshUntil': NOW_MS + 500_000 });
  });

  it('a window of its own - that one counts', async () => {
    finds(aStoredWorkspace({ settings: { freshSeconds: 120 } }));
    await beat({ bootId: 'boot-a', seq: 42 });
    expect(updates()[1]?.ExpressionAttributeValues).toMatchObject({ ':freshUntil': NOW_MS + 120_000 });
  });
});

it('a beat that meets the transaction by which a restart ends - tried again, and counts (D5)', async () => {
  aws.dynamo
    .on(UpdateCommand)
    .rejectsOnce(new TransactionConflictException({ message: 'busy', $metadata: {} }))
    .resolves({ Attributes: itemOf(aStoredWorkspace()) });
  expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 204 });
  expect(updates()).toHaveLength(2);
});

describe('a beat whose first write was done and whose answer was lost', () => {
  const stored = {
    atMs: NOW_MS,
    seq: 42,
    bootId: 'boot-a',
    intervalMs: 5000,
    activeTasks: 0,
    declaresInterval: false,
  };
  const head = { requestId: 'r', receiptHandle: 'head-handle', notBeforeMs: 0 };
  const wakes = () => aws.sqs.commandCalls(ChangeMessageVisibilityCommand);
  const foundAs = (heartbeat: typeof stored) => {
    const workspace = aStoredWorkspace({ heartbeat, freshUntilMs: NOW_MS + 15_000 });
    holds(aws, workspace, [{ pk: 'WS#ws-1', sk: 'PARKED', head }]);
    finds(workspace);
  };

  it('it counts, and the head is woken: nobody knows whether the workspace became ready by it (S27)', async () => {
    foundAs(stored);
    expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 204 });
    expect(updates()).toHaveLength(1);
    expect(wakes()).toHaveLength(1);
  });

  it('the same beat came by another call before - a replay, and nobody is woken', async () => {
    foundAs({ ...stored, atMs: NOW_MS - 1 });
    expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 409 });
    expect(wakes()).toHaveLength(0);
  });
});

describe('a beat that does not count', () => {
  const retired = { retiredBootId: 'boot-a' };
  const replayed = ['replayed', 'This beat, or a later one, was recorded before.'] as const;
  it.each([
    ['repeated', {}, { bootId: 'boot-a', seq: 41 }, ...replayed],
    ['late: a newer one was recorded', {}, { bootId: 'boot-a', seq: 40 }, ...replayed],
    [
      'of the boot before, while this one beats',
      { previousBootId: 'boot-0', freshUntilMs: NOW_MS + 5000 },
      { bootId: 'boot-0', seq: 99 },
      ...replayed,
    ],
    [
      'of the boot that a restart has retired',
      retired,
      { bootId: 'boot-a', seq: 99 },
      'retired-boot',
      'A restart has retired this boot; its beats no longer count.',
    ],
    [
      'of a new boot while a restart has not started it',
      { claim: aClaim() },
      { bootId: 'boot-b', seq: 1 },
      'before-start',
      'A restart is under way, and this boot began before its Start.',
    ],
  ])('%s - changes nothing, and the answer says why', async (_what, changes, body, why, detail) => {
    finds(aStoredWorkspace(changes));
    expect(await beat(body)).toMatchObject({ status: 409, body: { code: 'conflict', why, detail } });
    expect(
      updates().filter(
        (update) => update.UpdateExpression !== 'SET claim.heardAtMs = :at, claim.heardBootId = :boot',
      ),
    ).toHaveLength(1);
  });

  it.each([
    ['of another instance', 'i-0ffffffffffffffff'],
    ['of a session without a name', ''],
  ])('%s - changes nothing, and the answer says why', async (_what, session) => {
    finds(aStoredWorkspace());
    expect(await beat({ bootId: 'boot-a', seq: 42 }, session)).toMatchObject({
      status: 403,
      body: { code: 'wrong-instance', detail: 'The caller is not the instance of this workspace.' },
    });
    expect(updates()).toHaveLength(1);
  });

  it.each([
    [-1, 899_999],
    [0, 900_000],
    [1, 900_000],
    [59_999, 900_000],
    [60_000, 900_000],
  ])(
    'a lease that ends %i ms from the furthest that one may - fresh for %i ms: the rest is grace for its clock',
    async (offsetMs, freshMs) => {
      aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(aStoredWorkspace()) });
      const busyUntil = new Date(NOW_MS + 900_000 + offsetMs).toISOString();
      expect(await beat({ bootId: 'boot-a', seq: 42, busyUntil })).toMatchObject({ status: 204 });
      expect(updates()[0]?.ExpressionAttributeValues?.[':freshUntil']).toBe(NOW_MS + freshMs);
    },
  );

  it('a lease that ends 1 ms past all grace - nothing is written, and the answer names the field', async () => {
    const busyUntil = new Date(NOW_MS + 960_001).toISOString();
    await expect(beat({ bootId: 'boot-a', seq: 42, busyUntil })).rejects.toMatchObject({
      problems: [{ field: 'busyUntil', problem: 'is more than 15 minutes ahead' }],
    });
    expect(updates()).toHaveLength(0);
  });

  it.each([
    ['of the condemned boot', 'boot-a', 99, true],
    ['of a new boot', 'boot-b', 1, true],
    ['repeated from the condemned boot', 'boot-a', 41, false],
  ])(
    '%s, before the restart has touched the instance - noted on the claim: %s',
    async (_what, bootId, seq, noted) => {
      finds(aStoredWorkspace({ retiredBootId: 'boot-a', claim: aClaim() }));
      await beat({ bootId, seq });
      expect(
        updates().some(
          (update) => update.UpdateExpression === 'SET claim.heardAtMs = :at, claim.heardBootId = :boot',
        ),
      ).toBe(noted);
    },
  );

  it('after the first act of the restart - not noted any more', async () => {
    finds(aStoredWorkspace({ retiredBootId: 'boot-a', claim: { ...aClaim(), step: 'stop-issued' } }));
    await beat({ bootId: 'boot-a', seq: 99 });
    expect(updates()).toHaveLength(1);
  });

  it('of an unknown workspace - 404', async () => {
    aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    expect(await beat({ bootId: 'boot-a', seq: 42 })).toMatchObject({ status: 404 });
  });

  it.each([
    [{}, 'bootId'],
    [{ bootId: 'b', seq: -1 }, 'seq'],
    [{ bootId: 'b', seq: 1.5 }, 'seq'],
    [{ bootId: 'b', seq: 1, busyUntil: '2026-11-24T13:00:00Z' }, 'busyUntil'],
    [{ bootId: 'b', seq: 1, at: 5 }, 'at'],
  ])('malformed %o - refused by the name of the field, nothing is written', async (body, field) => {
    await expect(beat(body)).rejects.toMatchObject({
      problems: expect.arrayContaining([expect.objectContaining({ field })]) as unknown,
    });
    expect(updates()).toHaveLength(0);
  });
});

describe('the first beat of a new boot', () => {
  it('is written if the workspace is still as read, and remembers the boot before', async () => {
    finds(aStoredWorkspace());
    expect(await beat({ bootId: 'boot-b', seq: 1 })).toMatchObject({ status: 204 });
    expect(updates()[1]?.UpdateExpression).toContain('previousBootId = :beatBoot, previousSeq = :beatSeq');
    expect(updates()[1]?.ConditionExpression).toContain('attribute_not_exists(claim)');
  });

  it('makes the workspace ready - the head of its queue is woken', async () => {
    const workspace = aStoredWorkspace({ settleUntilMs: NOW_MS + 30_000 });
    const head = { requestId: 'r', receiptHandle: 'head-handle', notBeforeMs: 0 };
    holds(aws, workspace, [{ pk: 'WS#ws-1', sk: 'PARKED', head }]);
    finds(workspace);
    await beat({ bootId: 'boot-b', seq: 1 });
    expect(aws.sqs.commandCalls(ChangeMessageVisibilityCommand)[0]?.args[0].input).toMatchObject({
      ReceiptHandle: 'head-handle',
      VisibilityTimeout: 0,
    });
  });

  it('the head has a time of its own - it is not woken before', async () => {
    const workspace = aStoredWorkspace({ settleUntilMs: NOW_MS + 30_000 });
    const head = { requestId: 'r', receiptHandle: 'head-handle', notBeforeMs: NOW_MS + 1 };
    holds(aws, workspace, [{ pk: 'WS#ws-1', sk: 'PARKED', head }]);
    finds(workspace);
    await beat({ bootId: 'boot-b', seq: 1 });
    expect(aws.sqs.commandCalls(ChangeMessageVisibilityCommand)).toHaveLength(0);
  });

  it('a workspace that was ready before - nobody is woken again', async () => {
    const beating = aStoredWorkspace({
      heartbeat: { atMs: NOW_MS - 5000, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
      freshUntilMs: NOW_MS + 10_000,
    });
    aws.dynamo.on(UpdateCommand).resolves({ Attributes: itemOf(beating) });
    await beat({ bootId: 'boot-a', seq: 42 });
    expect(aws.sqs.calls()).toHaveLength(0);
  });
});
