import { describe, expect, it } from 'vitest';
import { firstAnswerLifeMs } from '../../core/idempotency.ts';
import { judgedItems } from '../../lambdas/adapters/receipt-store.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { aRequest } from './calls.ts';
import { about, ledgerWorld } from './ledger-world.ts';
import { aStoredWorkspace, NOW_MS, TABLE } from './mocked-aws.ts';
import { sentTo } from './parked.ts';

const world = ledgerWorld();
const { hold, fails } = world;

describe('an idempotency row', () => {
  const key = { principal: 'role/proxy', workspaceId: 'ws-1', key: 'r-1' };
  const answerOf = (expiresAtMs: number) => ({
    pk: 'IDEM#role/proxy#ws-1#r-1',
    sk: 'ANSWER',
    expiresAtMs,
    value: {
      fingerprint: `hash-of-${String(JSON.stringify(aRequest).length)}`,
      answer: { status: 202, headers: {}, body: { requestId: 'first' } },
    },
  });
  const call = async (expiresAtMs: number) => {
    hold(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 }), [answerOf(expiresAtMs)]);
    return fails();
  };

  it.each([
    [0, 'first'],
    [1, 'first'],
  ])('%i ms before it expires - answers', async (leftMs, requestId) => {
    expect((await call(NOW_MS + leftMs)).body?.['requestId']).toBe(requestId);
    expect(sentTo(world.aws, 'parked')).toHaveLength(0);
  });

  it('expired, though TTL has not removed it yet - answers no more: the request is parked as a new one', async () => {
    const answer = await call(NOW_MS - 1);
    expect(answer).toMatchObject({ status: 202, body: { code: 'parked' } });
    expect(answer.body?.['requestId']).not.toBe('first');
    expect(sentTo(world.aws, 'parked')).toHaveLength(1);
  });

  it('expired and still there - does not stand in the way of the new one either', () => {
    const value = { fingerprint: 'f', answer: { status: 202, headers: {} } };
    const [put] = judgedItems(openTable(TABLE), { about, firstAnswer: { key, value, lifeMs: 5000 } });
    expect(put?.Put).toMatchObject({
      Item: { expiresAtMs: NOW_MS + 5000 },
      ConditionExpression: 'attribute_not_exists(pk) OR expiresAtMs < :now',
      ExpressionAttributeValues: { ':now': NOW_MS },
    });
    expect(firstAnswerLifeMs.promise).toBeGreaterThanOrEqual(86_400_000);
  });
});
