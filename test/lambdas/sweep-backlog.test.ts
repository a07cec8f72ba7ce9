/** More is due than a sweep did in one go: a zone is down, thousands of claims wait for their turn, and rows cannot be read. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { memoryTable, type MemoryTable } from './memory-table.ts';
import {
  aClaim,
  aStoredWorkspace,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  stoppedClock,
  TABLE,
} from './mocked-aws.ts';
import { rowItem, totalsItem } from './parked.ts';

const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver> & { due: ReturnType<typeof dueWork> };
let table: MemoryTable;
let clock: ReturnType<typeof stoppedClock>;
let callMs: number;
beforeEach(() => {
  aws = mockedAws();
  clock = stoppedClock();
  callMs = 5;
  const takesTime = { lives: () => clock.advance(callMs), effect: () => {} };
  table = memoryTable(aws, () => clock.nowMs(), takesTime);
  ports = { ...portsOver(aws), clock, due: dueWork(openTable(TABLE)) };
});

const workspaceId = (name: string, index: number) => `${name}-${String(index).padStart(5, '0')}`;
const dueSince = (dueAt: number) => ({ dueKey: 'DUE#WORKSPACES', dueAt });
/** Claims that wait for admission, all of them due for ten minutes and more. */
function claimsWait(count: number): void {
  for (let index = 0; index < count; index += 1) {
    const workspace = aStoredWorkspace({ workspaceId: workspaceId('dead', index), claim: aClaim() });
    table.put({ ...itemOf(workspace), ...dueSince(NOW_MS - 700_000 + index) });
  }
}
function cannotBeRead(count: number): void {
  for (let index = 0; index < count; index += 1)
    table.put({
      pk: `WS#${workspaceId('odd', index)}`,
      sk: 'STATE',
      v: 1,
      ...dueSince(NOW_MS - 900_000 + index),
    });
}
function expiredRequests(count: number): void {
  table.put(totalsItem({ count, bytes: 5 * count }));
  for (let index = 0; index < count; index += 1) {
    const requestId = `01KAREQEST${String(index).padStart(16, '0')}`;
    table.put({
      ...rowItem({ requestId, expiresAtMs: NOW_MS - 1 }),
      dueKey: 'DUE#REQUESTS',
      dueAt: NOW_MS - 1,
    });
  }
}
const sentTo = (queue: string) =>
  aws.sqs
    .commandCalls(SendMessageCommand)
    .filter((call) => call.args[0].input.QueueUrl?.endsWith(queue) === true)
    .map((call) => JSON.parse(call.args[0].input.MessageBody ?? '') as { workspaceId: string });
const readsOf = (name: string) =>
  aws.dynamo.commandCalls(GetCommand).filter((call) => String(call.args[0].input.Key?.['pk']).includes(name))
    .length;
const expired = () => table.items().filter((item) => item['state'] === 'expired').length;

it('more claims are due than fit a page - all are resumed by one sweep, and none is said to be left', async () => {
  claimsWait(450);
  await handleSweep(ports);
  expect(new Set(sentTo('restart').map((message) => message.workspaceId)).size).toBe(450);
  expect(sentTo('restart')).toHaveLength(450);
  expect(ports.log.counted).not.toContain('SweepBehind');
});

it('5,000 claims wait, and the message of a second look is lost - it is sent again by the next sweep (V3)', async () => {
  claimsWait(5000);
  const suspect = aStoredWorkspace();
  table.put(itemOf(suspect));
  const { generation, instanceId } = suspect;
  const evidence = {
    kind: 'stopped',
    verdictId: VERDICT,
    atMs: NOW_MS - 15_000,
    generation,
    instanceId,
    round: 0,
  } as const;
  await ports.workspaces.putEvidence(suspect, evidence, NOW_MS - 5000);
  callMs = 10;
  await handleSweep(ports);
  expect(sentTo('reprobe')).toMatchObject([{ workspaceId: 'ws-1', verdictId: VERDICT }]);
});

it('the time is over before all is done - it stops well before its time-out, each list had its share, and it is counted', async () => {
  claimsWait(1000);
  expiredRequests(1000);
  callMs = 50;
  await handleSweep(ports);
  expect(clock.nowMs() - NOW_MS).toBeGreaterThan(38_000);
  expect(clock.nowMs() - NOW_MS).toBeLessThan(45_000);
  expect(ports.log.counted).toContain('SweepBehind');
  expect(sentTo('restart').length).toBeGreaterThan(100);
  expect(expired()).toBeGreaterThan(100);
});

it('rows that cannot be read are in front - what is behind them is swept, and they are put behind all others', async () => {
  cannotBeRead(300);
  claimsWait(1);
  await handleSweep(ports);
  expect(sentTo('restart')).toHaveLength(1);
  const row = () => table.item(`WS#${workspaceId('odd', 0)}`, 'STATE');
  expect(row()).toEqual({
    pk: `WS#${workspaceId('odd', 0)}`,
    sk: 'STATE',
    v: 1,
    ...dueSince(NOW_MS + 30_000),
  });
  expect(readsOf('odd')).toBe(300);
  // Not read again while they are not due, and not for ever either: a newer version may read them by then (S32).
  clock.advance(NOW_MS + 25_000 - clock.nowMs());
  await handleSweep(ports);
  expect(readsOf('odd')).toBe(300);
  clock.advance(60_000);
  await handleSweep(ports);
  expect(readsOf('odd')).toBe(600);
});

it('it is set anew, or ends, while the sweep is at it - it is not put anywhere', async () => {
  cannotBeRead(1);
  const id = workspaceId('odd', 0);
  const odd = { pk: `WS#${id}`, sk: 'STATE', v: 1 };
  const workspaces = (after: object) => ({
    ...ports.workspaces,
    read: async (found: string) => {
      const read = await ports.workspaces.read(found);
      table.put({ ...odd, ...after });
      return read;
    },
  });
  const anew = dueSince(NOW_MS + 7000);
  await handleSweep({ ...ports, workspaces: workspaces(anew) });
  expect(table.item(`WS#${id}`, 'STATE')).toEqual({ ...odd, ...anew });
  clock.advance(60_000);
  await handleSweep({ ...ports, workspaces: workspaces({}) });
  expect(table.item(`WS#${id}`, 'STATE')).toEqual(odd);
});

it('the bus takes each event slowly - the claims have their share all the same', async () => {
  claimsWait(300);
  expiredRequests(100);
  const events = { publish: () => (clock.advance(5000), Promise.resolve(true)) };
  await handleSweep({ ...ports, events });
  expect(sentTo('restart')).toHaveLength(300);
  expect(ports.log.counted).toContain('SweepBehind');
});

it.each([
  ['cannot be counted out', 'bodyBytes', undefined],
  ['is in a state that nobody knows', 'state', 'dreaming'],
])('a request %s - it waits behind the others, and is tried by each sweep', async (_what, name, value) => {
  expiredRequests(1);
  const row = () => table.items().find((item) => item['sk'] === 'REQUEST');
  const { [name]: _sound, ...rest } = { ...row() };
  table.put({
    pk: `REQ#${String(rest['requestId'])}`,
    sk: 'REQUEST',
    ...rest,
    ...(value !== undefined && { [name]: value }),
  });
  await handleSweep(ports);
  expect(ports.log.counted).toEqual(['SweepRowFailed']);
  expect(row()?.['dueAt']).toBe(NOW_MS + 30_000);
  clock.advance(60_000);
  await handleSweep(ports);
  expect(ports.log.counted).toEqual(['SweepRowFailed', 'SweepRowFailed']);
});

it('a row that failed cannot be put off either - the others are swept all the same', async () => {
  cannotBeRead(2);
  claimsWait(1);
  const due = { ...ports.due, putOff: () => Promise.reject(new Error('throttled')) };
  await handleSweep({ ...ports, due });
  expect(sentTo('restart')).toHaveLength(1);
});
