/**
 * Found by the simulator: an agent started twice within a minute, and the only beat of the first start came after that of
 * the second. The living one then looked like the boot before, and was refused until its next start (V5).
 */
import { expect, test } from 'vitest';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { apiCall } from '../lambdas/calls.ts';
import { memoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, itemOf, mockedAws, NOW_MS, portsOver } from '../lambdas/mocked-aws.ts';

const agent = { principal: 'role/agent', roleName: 'agent', session: 'i-0123456789abcdef0' };

test('the first beat of a boot that is over comes late - the living one is heard again when that beat has run out', async () => {
  const aws = mockedAws();
  const table = memoryTable(aws, () => NOW_MS);
  table.put(itemOf(aStoredWorkspace()));
  const beat = async (bootId: string, seq: number, gatewayTimeMs: number) => {
    const call = apiCall('POST /workspaces/{workspaceId}/heartbeats', { bootId, seq }, { caller: agent });
    const { status } = await handleHeartbeat({ ...call, gatewayTimeMs }, portsOver(aws));
    return [status, (table.item('WS#ws-1', 'STATE')?.['heartbeat'] as { bootId: string }).bootId];
  };
  expect(await beat('second', 1, NOW_MS)).toEqual([204, 'second']);
  expect(await beat('first', 1, NOW_MS + 1000)).toEqual([204, 'first']);
  expect(await beat('second', 2, NOW_MS + 5000)).toEqual([409, 'first']);
  expect(await beat('second', 4, NOW_MS + 16_001)).toEqual([204, 'second']);
  // What was heard of the late one before does not count once more, however long the living one is silent.
  expect(await beat('first', 1, NOW_MS + 90_000)).toEqual([409, 'second']);
});
