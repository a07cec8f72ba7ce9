/** S28: to everybody but its owner and operators a request is as good as missing: the same answer, and the same work. */
import { beforeEach, describe, expect, it } from 'vitest';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import { apiCall } from './calls.ts';
import { aStoredWorkspace, holds, mockedAws, portsOver, TABLE } from './mocked-aws.ts';
import { REQUEST, rowItem } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

const ports = () => ({
  ...portsOver(aws),
  registry: registry(openTable(TABLE)),
  workspaceTag: { Key: 'defib:workspace', Value: 'true' },
  operatorRoles: ['operator'],
  reporterRoles: ['proxy'],
});

/** Every command that reached AWS, in order, with what it said. */
const work = () =>
  Object.values(aws).flatMap((client) =>
    client.calls().map(({ args: [command] }) => [command.constructor.name, command.input] as const),
  );

const stranger = { principal: 'arn:aws:iam::000000000000:role/stranger', roleName: 'stranger' };

describe.each([
  ['GET', (call: ApiCall) => handleLookup(call, ports())],
  ['DELETE', (call: ApiCall) => handleOperate(call, ports())],
] as const)('%s /requests/{requestId} by a stranger', (method, handle) => {
  const ask = async () => {
    for (const client of Object.values(aws)) client.resetHistory();
    const call = apiCall(`${method} /requests/{requestId}`, undefined, {
      params: { requestId: REQUEST },
      caller: stranger,
    });
    const answer = await handle(call);
    return { answer, work: work() };
  };

  it.each(['parked', 'delivering', 'delivered', 'accepting'] as const)(
    'of a request that is %s - the same answer and the same calls as of one that never was',
    async (state) => {
      holds(aws, aStoredWorkspace(), [rowItem({ state })]);
      const foreign = await ask();
      holds(aws, aStoredWorkspace(), []);
      const missing = await ask();
      expect(foreign).toEqual(missing);
      expect(missing.answer.status).toBe(404);
      expect(missing.work).toHaveLength(1);
    },
  );
});
