import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { received } from './calls.ts';
import { aRestartMessage } from './claimed.ts';
import { memoryTable, type MemoryTable } from './memory-table.ts';
import {
  aClaim,
  aStoredWorkspace,
  dated,
  ec2Shows,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  stoppedClock,
  TABLE,
} from './mocked-aws.ts';

const { token } = aClaim();
const dead = aStoredWorkspace({
  generation: 4,
  claim: { ...aClaim(), step: 'starting', attempt: 1, starts: 3, startedAtMs: NOW_MS - 900_000 },
});
/** The instance fell back to stopped three times: failed, and quarantined. */
const outcome = { type: 'restart.failed', outcome: 'failed', label: 'unknown', token };

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver> & { due: ReturnType<typeof dueWork> };
let table: MemoryTable;
let clock: ReturnType<typeof stoppedClock>;
let isBusUp: boolean;
beforeEach(() => {
  aws = mockedAws();
  clock = stoppedClock();
  table = memoryTable(aws, () => clock.nowMs());
  ports = { ...portsOver(aws), clock, due: dueWork(openTable(TABLE)) };
  isBusUp = true;
  aws.bus
    .on(PutEventsCommand)
    .callsFake(() => (isBusUp ? { FailedEntryCount: 0 } : { FailedEntryCount: 1, Entries: [{}] }));
  table.put(itemOf(dead));
  ec2Shows(aws, 'stopped');
});

const step = async () => (await handleRestarts([received(aRestartMessage())], ports)).get('message-1');
const sweepAfter = async (ms: number) => {
  clock.advance(ms);
  await handleSweep(ports);
};
const told = () =>
  aws.bus.commandCalls(PutEventsCommand).map((call) => {
    const { DetailType: type, Detail } = call.args[0].input.Entries?.[0] ?? {};
    return { type, ...(JSON.parse(Detail ?? '{}') as object) };
  });
const pages = () =>
  ports.log.counted.filter((name) => name === 'RestartFailed' || name === 'WorkspaceQuarantined');
const row = () => table.item('WS#ws-1', `RESTART#${token}`);

describe('the end of a restart', () => {
  it('nothing goes wrong - counted and told once, kept for the story, and no longer due', async () => {
    expect(await step()).toEqual({ kind: 'done' });
    expect(told()).toMatchObject([outcome, { type: 'workspace.quarantined', verdictId: token }]);
    expect(pages()).toEqual(['RestartFailed', 'WorkspaceQuarantined']);
    expect(row()).toMatchObject({ restart: { token, outcome: 'failed', endedAtMs: NOW_MS } });
    await sweepAfter(3_600_000);
    expect(told()).toHaveLength(2);
  });

  it('the brake cannot be read - told and woken all the same, and the slot is left to the sweep', async () => {
    table.put({ pk: 'FLEET', sk: 'BRAKE', brake: 'rubbish' });
    table.put({
      pk: 'WS#ws-1',
      sk: 'PARKED',
      count: 1,
      head: { requestId: 'r', receiptHandle: 'handle', notBeforeMs: 0 },
    });
    expect(await step()).toEqual({ kind: 'done' });
    expect(told()).toHaveLength(2);
    expect(pages()).toHaveLength(2);
    expect(aws.sqs.commandCalls(ChangeMessageVisibilityCommand)).toHaveLength(1);
    expect(ports.log.counted).toContain('SlotNotReleased');
  });

  it('the function dies after the write - the message says nothing any more, and the sweep tells it', async () => {
    const died = new Error('died');
    const events = { publish: () => new Promise<boolean>(() => {}) };
    const isEnded = () => table.item('WS#ws-1', 'STATE')?.['claim'] === undefined;
    void handleRestarts([received(aRestartMessage())], { ...ports, events }).catch(() => died);
    await expect.poll(isEnded).toBe(true);
    ports.log.counted.length = 0;
    expect(await step()).toEqual({ kind: 'done' });
    expect(told()).toEqual([]);
    await sweepAfter(29_000);
    expect(told()).toEqual([]);
    await sweepAfter(1000);
    expect(told()).toMatchObject([outcome, { type: 'workspace.quarantined' }]);
    expect(pages()).toEqual(['RestartFailed', 'WorkspaceQuarantined']);
  });

  it('a new claim has opened meanwhile - the end before it is told, and the new claim is left as it is', async () => {
    const events = { publish: () => new Promise<boolean>(() => {}) };
    void handleRestarts([received(aRestartMessage())], { ...ports, events });
    await expect.poll(() => row()).toBeDefined();
    const next = { ...aClaim(), token: '01KANEXTAAAAAAAAAAAAAAAAAA' };
    table.put({ ...table.item('WS#ws-1', 'STATE'), pk: 'WS#ws-1', sk: 'STATE', claim: next });
    await sweepAfter(30_000);
    expect(told()).toMatchObject([outcome, {}]);
    expect(table.item('WS#ws-1', 'STATE')?.['claim']).toEqual(next);
  });

  it('EventBridge takes nothing - counted once, tried again ever more seldom, and told in the end', async () => {
    isBusUp = false;
    await step();
    for (let minute = 0; minute < 10; minute++) await sweepAfter(60_000);
    const tries = told().length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(7);
    expect(pages()).toEqual(['RestartFailed', 'WorkspaceQuarantined']);
    isBusUp = true;
    await sweepAfter(3_600_000);
    expect(told().slice(tries)).toMatchObject([outcome, { type: 'workspace.quarantined' }]);
    expect(row()?.['untold']).toBeUndefined();
    expect(row()?.['dueKey']).toBeUndefined();
  });

  it('its write fails - nothing is told, and the message comes again', async () => {
    aws.dynamo.on(TransactWriteCommand).rejects(new Error('throttled'));
    expect(await step()).toBeUndefined();
    expect(told()).toEqual([]);
  });

  it('the row is gone when the sweep looks - nothing is told', async () => {
    const due: typeof ports.due = {
      ...ports.due,
      due: async (list, ...rest) => ({
        ...(await ports.due.due(list, ...rest)),
        value: list === 'restartEnds' ? [{ id: 'ws-1', token }] : [],
      }),
    };
    aws.dynamo.on(GetCommand).resolves({ $metadata: dated() });
    await handleSweep({ ...ports, due });
    expect(told()).toEqual([]);
  });
});
