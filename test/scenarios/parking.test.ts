/**
 * What a predecessor's queue met in production, told as given / when / then and played through the use cases, over
 * mocked AWS clients. Where a scenario speaks of something that Defib has not got, its nearest meaning is tested.
 */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import type { AgentRequest } from '../../lambdas/ports/agents.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { apiCall, aRequest, forwardError, received } from '../lambdas/calls.ts';
import { deliveryWorld } from '../lambdas/delivery-world.ts';
import { aStoredWorkspace, ec2Shows, holds, NOW_MS } from '../lambdas/mocked-aws.ts';
import {
  aMessage,
  answered,
  aRow,
  endings,
  finds,
  hidden,
  news,
  notes,
  REQUEST,
  rowItem,
  rowUpdates,
  sentTo,
} from '../lambdas/parked.ts';
import { cancelled } from '../lambdas/refused-writes.ts';

const world = deliveryWorld();
beforeEach(() => {
  finds(world.aws, {});
});

const settling = aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 });
const fails = (request: object = aRequest, kind = 'refused') =>
  handleForwardError(forwardError({ error: { kind }, request }), world.ports);
/** The idempotency row of a request that got its 202 before. */
const firstAnswer = (request: object, expiresAtMs = NOW_MS + 1) => ({
  pk: 'IDEM#role/proxy#ws-1#r-1',
  sk: 'ANSWER',
  expiresAtMs,
  value: {
    fingerprint: world.ports.ids.fingerprint(JSON.stringify(request)),
    answer: { status: 202, headers: {}, body: { code: 'parked', requestId: REQUEST } },
    requestId: REQUEST,
  },
});
const given = (
  row: Partial<ParkedRequest> = {},
  workspace: Workspace = aStoredWorkspace(),
  more: object[] = [],
) => {
  holds(world.aws, workspace, [rowItem(row), ...(more as Record<string, unknown>[])]);
};
const drains = async () => (await handleDeliveries([received(aMessage())], world.ports)).get('message-1');
const sweeps = async (partition = 'DUE#REQUESTS', pk = `REQ#${REQUEST}`) => {
  finds(world.aws, { [partition]: [{ pk }] });
  await handleSweep(world.ports);
};
const reads = (roleName: string) =>
  handleLookup(
    apiCall('GET /requests/{requestId}', '', {
      params: { requestId: REQUEST },
      caller: { principal: `role/${roleName}`, roleName, session: 's' },
    }),
    { ...world.ports, operatorRoles: ['operator'] },
  );
const beating = (activeTasks = 0): Workspace =>
  aStoredWorkspace({
    heartbeat: { atMs: NOW_MS - 1000, seq: 50, bootId: 'boot-a', intervalMs: 5000, activeTasks },
    freshUntilMs: NOW_MS + 14_000,
  });
const backWith = () => rowUpdates(world.aws, 'SET #state = :parked')[0]?.ExpressionAttributeValues;

describe('queue scenarios: parking', () => {
  it('20 silent fallback - given every insert fails; then callers get 503, and a metric with an alarm rises', async () => {
    holds(world.aws, settling);
    world.aws.dynamo.on(TransactWriteCommand).rejects(new Error('no table'));
    for (let call = 1; call <= 3; call += 1) {
      expect(await fails({ ...aRequest, id: `r-${call}` })).toMatchObject({
        status: 503,
        headers: { 'retry-after': expect.any(String) as string },
        body: { code: 'parking-failed' },
      });
    }
    expect(world.ports.log.counted.filter((metric) => metric === 'ParkingFailed')).toHaveLength(3);
    expect(sentTo(world.aws, 'parked')).toHaveLength(0);
  });

  it('21 a 202 is success - when queued; then the answer, and the record of it for a repeat, say parked and not failed', async () => {
    holds(world.aws, settling);
    const told = await fails();
    expect(told).toMatchObject({ status: 202, body: { code: 'parked', verdict: 'busy' } });
    const kept = world.aws.dynamo
      .commandCalls(TransactWriteCommand)[0]
      ?.args[0].input.TransactItems?.find((item) => item.Put?.Item?.['sk'] === 'ANSWER');
    expect(kept?.Put?.Item?.['value']).toMatchObject({ answer: told, requestId: told.body?.['requestId'] });
  });

  it('22 re-queue self-conflict - given a claimed item whose target is busy again; then it goes back to parked as itself: same row, same message, nothing completed', async () => {
    given({ attempts: 1 });
    world.answer = answered(503);
    expect(await drains()).toMatchObject({ kind: 'again' });
    expect(rowUpdates(world.aws, 'SET #state = :parked')).toMatchObject([{ Key: { pk: `REQ#${REQUEST}` } }]);
    expect(endings(world.aws)).toEqual([]);
    expect(sentTo(world.aws, 'parked')).toEqual([]);
    expect(world.aws.dynamo.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it.each(['parked', 'delivering', 'delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const)(
    '23 idempotent enqueue - given the same was sent before and is %s now; when it is sent again; then the same request id, and one item',
    async (state) => {
      given({ state }, settling, [firstAnswer(aRequest)]);
      expect(await fails()).toMatchObject({ status: 202, body: { requestId: REQUEST } });
      expect(sentTo(world.aws, 'parked')).toHaveLength(0);
      expect(world.aws.dynamo.commandCalls(TransactWriteCommand)).toHaveLength(0);
    },
  );

  it('23 idempotent enqueue - with another body; then 409', async () => {
    given({}, settling, [firstAnswer(aRequest)]);
    expect(await fails({ ...aRequest, body: '' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency-conflict' },
    });
  });

  // A request that expired does not free its key: it is the key's own row that expires, after 24 hours.
  it('24 expired twin - given an expired row with the key, not yet removed; when sent again; then a new row in the place of the old', async () => {
    given({ state: 'expired' }, settling, [firstAnswer(aRequest, NOW_MS - 1)]);
    const told = await fails();
    expect(told).toMatchObject({ status: 202 });
    expect(told.body?.['requestId']).not.toBe(REQUEST);
    expect(sentTo(world.aws, 'parked')).toMatchObject([{ message: { requestId: told.body?.['requestId'] } }]);
  });

  it('39 the caller hangs up between verdict and insert - then the item is stored all the same', async () => {
    holds(world.aws, settling);
    const abandoned = fails();
    expect(sentTo(world.aws, 'parked')).toHaveLength(0);
    await abandoned;
    expect(sentTo(world.aws, 'parked')).toHaveLength(1);
    expect(rowUpdates(world.aws, 'SET #state = :parked')).toHaveLength(1);
  });
});

describe('queue scenarios: draining', () => {
  it('25 crash after claim - given a worker that died while dispatched; when its lease is over; then the item is tried again, and its key is not blocked', async () => {
    given({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS - 1 }, beating(), [firstAnswer(aRequest)]);
    expect(await fails()).toMatchObject({ status: 202, body: { requestId: REQUEST } });
    expect(await drains()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(1);
    expect(endings(world.aws)).toMatchObject([{ state: 'delivered' }]);
  });

  it('26 heartbeats stop - given a silent but reachable agent; then its item comes by itself within 10 s, and is delivered', async () => {
    given({}, settling);
    expect(await drains()).toMatchObject({ kind: 'again', afterSeconds: 5 });
    given();
    expect(await drains()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(1);
  });

  it('27 the sweeper respects busy - given active tasks = max; then deliver sends nothing, and the sweep never delivers at all', async () => {
    given({}, beating(1));
    expect(await drains()).toMatchObject({ kind: 'again' });
    await sweeps();
    await sweeps('DUE#PARKED', 'WS#ws-1');
    expect(world.asked).toHaveLength(0);
    expect(endings(world.aws)).toEqual([]);
  });

  it("28 one slow turn - given workspace A's turn takes ten minutes; then workspace B's queue is drained meanwhile", async () => {
    const other = '01KBREQESTAAAAAAAAAAAAAAAA';
    holds(world.aws, aStoredWorkspace(), [
      rowItem(),
      rowItem({ requestId: other, workspaceId: 'ws-2' }),
      { ...aStoredWorkspace({ workspaceId: 'ws-2' }), pk: 'WS#ws-2', sk: 'STATE', v: 1 },
    ]);
    let endTurn: () => void = () => {};
    const turn = new Promise<void>((resolve) => (endTurn = resolve));
    const agents = {
      send: async (request: AgentRequest) => {
        if (request.headers['defib-request-id'] === REQUEST) await turn;
        return answered(200);
      },
    };
    const slow = handleDeliveries([received(aMessage())], { ...world.ports, agents });
    const message = aMessage({ requestId: other, workspaceId: 'ws-2' });
    await handleDeliveries([received(message)], { ...world.ports, agents });
    expect(endings(world.aws)).toMatchObject([{ requestId: other, state: 'delivered' }]);
    endTurn();
    await slow;
    expect(endings(world.aws)).toHaveLength(2);
  });

  // Defib delivers without a gateway between: an agent that can't be reached is what a gateway would call 502.
  it.each([{ kind: 'failed', because: 'refused' } as const, answered(503)])(
    '29 gateway 502 with a fresh heartbeat - given %j; then the attempt is not counted, the next is not before 5 s, and not in the same loop',
    async (failing) => {
      given({ failures: 1 }, beating());
      world.answer = failing;
      expect(await drains()).toEqual({ kind: 'again', afterSeconds: 5 });
      expect(world.asked).toHaveLength(1);
      expect(backWith()?.[':failures']).toBe(1);
    },
  );

  // Defib has no ceiling of its own since the first failure: five failures, or the time the caller gave, end it.
  it('30 settling ceiling - given an item that waited for an hour and fails for the first time; then retried, not dropped', async () => {
    given({ acceptedAtMs: NOW_MS - 3_600_000, parkedAtMs: NOW_MS - 3_600_000 });
    world.answer = answered(500);
    expect(await drains()).toEqual({ kind: 'again', afterSeconds: 5 });
    expect(endings(world.aws)).toEqual([]);
  });

  it('30 settling ceiling - given its time has passed; then ended with a reason, and its caller can know at once', async () => {
    given({ expiresAtMs: NOW_MS, why: 'status-500' });
    await drains();
    expect(endings(world.aws)).toMatchObject([{ state: 'expired', why: 'expired' }]);
    expect(news(world.aws)).toMatchObject([{ type: 'request.expired', detail: { reason: 'expired' } }]);
  });

  it('31 five real failures - then given up with the last error, and between them ever longer waits: never all in one drain', async () => {
    world.answer = answered(500);
    const waits: unknown[] = [];
    let row: Partial<ParkedRequest> = {};
    for (let failure = 1; failure <= 5; failure += 1) {
      world.aws.dynamo.resetHistory();
      given(row);
      const settled = await drains();
      waits.push(settled?.kind === 'again' ? settled.afterSeconds : settled?.kind);
      row = { failures: Number(backWith()?.[':failures'] ?? failure), attempts: failure };
    }
    expect(waits).toEqual([5, 10, 20, 40, 'done']);
    expect(world.asked).toHaveLength(5);
    expect(endings(world.aws)).toMatchObject([{ state: 'dead-lettered', why: 'gave-up-status-500' }]);
  });

  it('32 stale URL - given the box woke at another address; then the drain uses the new one', async () => {
    given();
    ec2Shows(world.aws, 'running', { privateIp: '10.0.1.5' });
    await drains();
    ec2Shows(world.aws, 'running', { privateIp: '10.0.7.9' });
    await drains();
    expect(world.asked.map(({ address }) => address)).toEqual(['10.0.1.5', '10.0.7.9']);
  });

  // Defib sends no boot turns: the agent has its first beats to itself, and then gets what was parked.
  it('33 boot turn - given a restart and a queued message; when the first beat of the new boot comes; then the message, and its answer is its own', async () => {
    const restarted = {
      settleUntilMs: NOW_MS + 50_000,
      settleFromMs: NOW_MS - 10_000,
      retiredBootId: 'boot-a',
    };
    given({}, aStoredWorkspace(restarted));
    expect(await drains()).toMatchObject({ kind: 'again' });
    expect(world.asked).toHaveLength(0);
    const heartbeat = { atMs: NOW_MS - 1000, seq: 1, bootId: 'boot-b', intervalMs: 5000, activeTasks: 0 };
    given({}, aStoredWorkspace({ ...restarted, heartbeat, freshUntilMs: NOW_MS + 14_000 }));
    await drains();
    expect(world.asked.map(({ body }) => body)).toEqual([aMessage().body]);
    const items = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems;
    expect(items?.[2]?.Put?.Item).toMatchObject({ pk: `REQ#${REQUEST}`, sk: 'RESPONSE' });
  });

  it('34 drain vs placeholder - given the drain meets a row that is not parked yet; then it waits a moment, and the result reaches the caller', async () => {
    given({ state: 'accepting' });
    expect(await drains()).toEqual({ kind: 'again', afterSeconds: 2 });
    expect(world.asked).toHaveLength(0);
    given({ state: 'delivered' }, aStoredWorkspace(), [
      {
        pk: `REQ#${REQUEST}`,
        sk: 'RESPONSE',
        response: { status: 200, headers: {}, body: 'aGk=', truncated: false },
      },
    ]);
    expect(await world.ports.ledger.markParked(aRow({ state: 'accepting' }), NOW_MS)).toBe(true);
    expect(await reads('proxy')).toMatchObject({ body: { state: 'delivered', response: { body: 'aGk=' } } });
  });

  it('35 late completion - given an item that ended meanwhile; when an old worker reports success; then no flip to delivered, and no news of it', async () => {
    given();
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled());
    expect(await drains()).toEqual({ kind: 'done' });
    expect(endings(world.aws)[0]?.condition).toContain('#state IN (:accepting, :parked, :delivering)');
    expect(news(world.aws)).toEqual([]);
  });

  it('36 drop-stale on a fresh row - given no error was ever recorded; when it expires; then the reason is kept', async () => {
    given({ expiresAtMs: NOW_MS - 1 });
    await sweeps();
    expect(endings(world.aws)).toMatchObject([{ state: 'expired', why: 'expired' }]);
    given({ state: 'expired', why: 'expired' });
    expect(await reads('proxy')).toMatchObject({ body: { why: 'expired' } });
  });

  it('37 privacy of the status - a third party that asks for a real id gets 404 and learns nothing; its sender and operators get it', async () => {
    given();
    const stranger = await reads('agent');
    expect(await reads('proxy')).toMatchObject({ status: 200, body: { requestId: REQUEST } });
    expect(await reads('operator')).toMatchObject({ status: 200 });
    holds(world.aws, aStoredWorkspace());
    expect(stranger).toEqual(await reads('agent'));
    expect(stranger.status).toBe(404);
  });

  it.each([
    ['paused', { pause: { by: 'role/op', reason: 'hibernated' } }],
    ['wanted stopped', { desired: 'stopped' as const }],
  ])(
    '38 force hibernate - given a box that is %s and has pending items; then they are held and do not wake it',
    async (_what, changes) => {
      given({}, aStoredWorkspace(changes));
      ec2Shows(world.aws, 'stopped');
      expect(await drains()).toMatchObject({ kind: 'again' });
      await sweeps('DUE#PARKED', 'WS#ws-1');
      expect(world.asked).toHaveLength(0);
      expect(sentTo(world.aws, 'reprobe')).toEqual([]);
      expect(sentTo(world.aws, 'restart')).toEqual([]);
      expect(world.aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(0);
      expect(endings(world.aws)).toEqual([]);
    },
  );
});

describe('scenarios of agents that come back', () => {
  it('58 empty 200 - given the agent answers 200 with nothing; then the client reads a 200 with nothing, and no error in it', async () => {
    given();
    await drains();
    expect(endings(world.aws)).toMatchObject([{ state: 'delivered', why: undefined }]);
    const kept =
      world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[2]?.Put?.Item;
    given({ state: 'delivered' }, aStoredWorkspace(), [kept ?? {}]);
    const { body } = await reads('proxy');
    expect(body?.['response']).toEqual({ status: 200, headers: {}, body: '', truncated: false });
    expect(body).not.toHaveProperty('why');
  });

  it('59 stale active tasks - given an agent that crashed in the middle of a turn; then it is drained without an operator', async () => {
    const heartbeat = { atMs: NOW_MS - 16_000, seq: 50, bootId: 'boot-a', intervalMs: 5000, activeTasks: 1 };
    given({}, aStoredWorkspace({ heartbeat, freshUntilMs: NOW_MS - 1000 }));
    expect(await drains()).toEqual({ kind: 'done' });
    expect(world.asked).toHaveLength(1);
  });

  // Defib sends no context of a restart: what could be sent again after each restart is the request in flight.
  it('60 restart-context dedupe - given three restarts in a minute under one request; then it is sent no fourth time, and told of once', async () => {
    let row: Partial<ParkedRequest> = {};
    for (const boot of ['boot-1', 'boot-2', 'boot-3', 'boot-4']) {
      world.aws.dynamo.resetHistory();
      const heartbeat = { atMs: NOW_MS - 1000, seq: 1, bootId: boot, intervalMs: 5000, activeTasks: 0 };
      given(row, aStoredWorkspace({ heartbeat, freshUntilMs: NOW_MS + 9000 }));
      world.answer = { kind: 'failed', because: 'eof' };
      await drains();
      row = {
        attempts: world.asked.length,
        interruptions: Number(
          rowUpdates(world.aws, 'SET #state = :delivering')[0]?.ExpressionAttributeValues?.[
            ':interruptions'
          ] ?? 0,
        ),
        lastAttempt: backWith()?.[':mark'] as NonNullable<ParkedRequest['lastAttempt']>,
      };
    }
    expect(world.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['r-1', 'r-1', 'r-1']);
    expect(endings(world.aws)).toMatchObject([{ state: 'dead-lettered', why: 'poison' }]);
    expect(news(world.aws).filter(({ type }) => type === 'request.dead-lettered')).toHaveLength(1);
    expect(world.aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(0);
  });

  // Defib does not read what an agent says: an agent in the middle of a turn is not given another one to acknowledge.
  it('61 interrupt acknowledgement - given an agent in the middle of a turn; then it is sent nothing that it could answer with a notice', async () => {
    given({}, beating(1));
    expect(await drains()).toMatchObject({ kind: 'again' });
    expect(world.asked).toHaveLength(0);
    expect(endings(world.aws)).toEqual([]);
    expect(notes(world.aws)[0]?.drain).not.toHaveProperty('ramp');
  });

  it('62 a busy retry does not double-deliver - given a deadline after the agent received the body; when drained; then the same key and bytes, marked as perhaps a copy', async () => {
    holds(world.aws, beating());
    await fails({ ...aRequest, headers: { 'idempotency-key': 'agents-own' } }, 'deadline');
    const items = world.aws.dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems;
    const row = items?.find((item) => item.Put?.Item?.['sk'] === 'REQUEST')?.Put?.Item;
    const [sent] = sentTo(world.aws, 'parked');
    expect(row).toMatchObject({ ambiguous: true });
    holds(world.aws, beating(), [{ ...row, state: 'parked', parkedAtMs: NOW_MS }]);
    const message = sent?.message as unknown as ReturnType<typeof aMessage>;
    for (let copy = 1; copy <= 2; copy += 1) await handleDeliveries([received(message)], world.ports);
    expect(world.asked).toHaveLength(2);
    for (const request of world.asked) {
      expect(request).toMatchObject({
        body: aRequest.body,
        headers: { 'idempotency-key': 'agents-own', 'defib-ambiguous': 'true' },
      });
    }
  });

  it('62 a busy retry does not double-deliver - given a caller that refuses a second copy; then 202 is not even given', async () => {
    holds(world.aws, beating());
    const told = await fails({ ...aRequest, onAmbiguous: 'refuse' }, 'deadline');
    expect(told.status).toBe(503);
    expect(sentTo(world.aws, 'parked')).toHaveLength(0);
    expect(hidden(world.aws)).toEqual([]);
  });
});
