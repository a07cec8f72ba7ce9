/** DELETE /workspaces/{id}?parked=refuse, where more is parked than one call can end before its function gives up. */
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, expect, it } from 'vitest';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { apiCall } from './calls.ts';
import { memoryTable, type MemoryTable } from './memory-table.ts';
import { aStoredWorkspace, itemOf, mockedAws, NOW_MS, portsOver, stoppedClock, TABLE } from './mocked-aws.ts';
import { rowItem, totalsItem } from './parked.ts';

/** The function gives up after 15 s, and the row at work may be a slow one. */
const ANSWERS_WITHIN_MS = 10_000;

let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleOperate>[1];
let table: MemoryTable;
let clock: ReturnType<typeof stoppedClock>;
beforeEach(() => {
  aws = mockedAws();
  clock = stoppedClock();
  table = memoryTable(aws, () => clock.nowMs(), { lives: () => clock.advance(10), effect: () => {} });
  ports = {
    ...portsOver(aws),
    clock,
    registry: registry(openTable(TABLE)),
    workspaceTag: { Key: 'defib:workspace', Value: 'true' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
  table.put({ ...itemOf(aStoredWorkspace()), listKey: 'WORKSPACES', listSort: 'ws-1' });
});

function parked(count: number): void {
  table.put(totalsItem({ count, bytes: 5 * count }));
  for (let index = 0; index < count; index += 1) {
    const requestId = `01KAREQEST${String(index).padStart(16, '0')}`;
    table.put({ ...rowItem({ requestId }), listKey: 'WAITING#ws-1', listSort: requestId });
  }
}
const remove = async () => {
  const route = 'DELETE /workspaces/{workspaceId}';
  const answer = await handleOperate(apiCall(route, {}, { query: { parked: 'refuse' } }), ports);
  return { status: answer.status, tookMs: clock.nowMs() - NOW_MS };
};
const refused = () => table.items().filter((item) => item['state'] === 'refused').length;

it('5,000 are parked - it is answered in time, with as many ended as the time is enough for; deliver ends the others', async () => {
  parked(5000);
  const { status, tookMs } = await remove();
  expect(status).toBe(204);
  expect(tookMs).toBeLessThan(ANSWERS_WITHIN_MS);
  expect(refused()).toBeGreaterThan(100);
  expect(table.item('WS#ws-1', 'STATE')).toMatchObject({ removed: true });
});

it('some hundred are parked - all are ended by the call', async () => {
  parked(150);
  expect(await remove()).toMatchObject({ status: 204 });
  expect(refused()).toBe(150);
  expect(table.item('WS#ws-1', 'PARKED')).toMatchObject({ count: 0, bytes: 0 });
});

it('the bus takes nothing, and slowly - it is asked twice; the ends are left to the sweep to tell', async () => {
  parked(100);
  aws.bus.on(PutEventsCommand).callsFake(() => {
    clock.advance(1000);
    throw new Error('no');
  });
  const { status, tookMs } = await remove();
  expect(status).toBe(204);
  expect(tookMs).toBeLessThan(ANSWERS_WITHIN_MS);
  expect(refused()).toBe(100);
  expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(2);
  const untold = table.items().filter((item) => item['dueKey'] === 'DUE#REQUESTS');
  expect(untold).toHaveLength(100);
});
