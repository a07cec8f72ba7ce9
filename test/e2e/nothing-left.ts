/**
 * After each file: what its tests left waiting is cancelled, and then the queues must come to rest. A request for an
 * agent that never beats would lie there for an hour; a message that stays although nobody waits is a fault.
 */
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll } from 'vitest';
import { as } from './fleet.ts';
import { untilQueuesRest } from './refusals.ts';
import { allItems } from './stores.ts';

afterAll(async () => {
  const operator = await as('operator');
  // One that is just being delivered cannot be cancelled, and ends by itself.
  for (const requestId of await waitingRequests()) await operator.call('DELETE', `/requests/${requestId}`);
  await untilQueuesRest();
});

async function waitingRequests(): Promise<string[]> {
  const items = (await allItems()).map((text) =>
    unmarshall(JSON.parse(text) as Record<string, AttributeValue>),
  );
  return items
    .filter((item) => item['sk'] === 'REQUEST' && String(item['listKey']).startsWith('WAITING#'))
    .map((item) => String(item['requestId']));
}
