import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { aRequest, as, aWorkspace, bodyOf, type Body, type TestWorkspace } from './fleet.ts';
import { until } from './wait.ts';

const deadLetters = async () =>
  bodyOf(await (await as('operator')).call('GET', '/dead-letters?limit=200'))['requests'] as Body[];
const redrive = async (body: Body) =>
  bodyOf(await (await as('operator')).call('POST', '/dead-letters/redrive', body));
const park = async (ws: TestWorkspace, id: string, more: Body = {}) => {
  const answer = await ws.report({ error: { kind: 'deadline' }, request: aRequest(id, more) });
  expect(answer.status).toBe(202);
  return bodyOf(answer)['requestId'] as string;
};
const median = (numbers: number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

describe.concurrent('a request that its agent fails at for good', () => {
  it('is a dead letter, is sent again on order with the same key and bytes, and once only', async () => {
    const ws = await aWorkspace({ maxFailedAttempts: 1 });
    ws.agent.answerWith(500);
    await ws.beat('boot-1', 1);
    const requestId = await park(ws, 'doomed');
    expect(await ws.untilRequestIs(requestId, 'dead-lettered')).toMatchObject({ why: 'gave-up-status-500' });
    expect(ws.agent.served).toHaveLength(1);
    await until('the dead letter is listed', async () =>
      (await deadLetters()).some((letter) => letter['requestId'] === requestId) ? true : undefined,
    );

    ws.agent.answerWith(200);
    expect(await redrive({ requestIds: [requestId], dryRun: true })).toMatchObject({
      dryRun: true,
      redriven: [{ redriveOf: requestId }],
      skipped: [],
    });
    expect(ws.agent.served).toHaveLength(1);
    const [first, second] = [
      await redrive({ requestIds: [requestId] }),
      await redrive({ requestIds: [requestId] }),
    ];
    expect(second['redriven']).toEqual(first['redriven']);
    const again = (first['redriven'] as Body[])[0]?.['requestId'];
    expect(await ws.untilRequestIs(again, 'delivered')).toMatchObject({
      redriveOf: requestId,
      ambiguous: true,
    });
    expect(await ws.request(requestId)).toMatchObject({ state: 'dead-lettered', redrivenAs: again });
    const [before, after] = ws.agent.served;
    expect(ws.agent.served).toHaveLength(2);
    expect(after).toMatchObject({ body: before?.body, path: before?.path });
    expect(after?.headers['idempotency-key']).toBe(before?.headers['idempotency-key']);
    expect(after?.headers['defib-ambiguous']).toBe('true');
  });

  it('of 700 KiB - sent again whole', async () => {
    const ws = await aWorkspace({ maxFailedAttempts: 1 });
    ws.agent.answerWith(500);
    await ws.beat('boot-1', 1);
    const body = Buffer.alloc(700 * 1024, 'defib').toString('base64');
    const requestId = await park(ws, 'large', { body });
    await ws.untilRequestIs(requestId, 'dead-lettered');
    ws.agent.answerWith(200);
    const { redriven } = (await redrive({ requestIds: [requestId] })) as { redriven: Body[] };
    await ws.untilRequestIs(redriven[0]?.['requestId'], 'delivered');
    expect(ws.agent.served.map((served) => served.body === ws.agent.served[0]?.body)).toEqual([true, true]);
    expect(ws.agent.served[1]?.body).toHaveLength(700 * 1024);
  });
});

describe.concurrent('a workspace that is removed and registered anew', () => {
  it('gets nothing that was parked for the one before', async () => {
    const ws = await aWorkspace();
    const operator = await as('operator');
    const path = `/workspaces/${ws.workspaceId}`;
    await operator.call('PUT', `${path}/pause`, { reason: 'so that the request waits' });
    const requestId = await park(ws, 'old-one');
    expect((await operator.call('DELETE', `${path}?parked=refuse`)).status).toBe(204);
    await operator.call('PUT', path, { instanceId: ws.instanceId, port: ws.agent.port });
    await ws.beat('boot-1', 1);
    expect(await ws.untilRequestIs(requestId, 'refused')).toMatchObject({ why: 'workspace-removed' });
    const fresh = await park(ws, 'new-one');
    await ws.untilRequestIs(fresh, 'delivered');
    expect(ws.agent.served.map((served) => served.body)).toEqual(['hello new-one']);
  });
});

describe.concurrent('a workspace that becomes ready', () => {
  it('gets its first parked request at once, long before the deferral ends; its story and an estimate can be read', async () => {
    const latenciesMs: number[] = [];
    const ws = await aWorkspace();
    for (let boot = 1; boot <= 7; boot += 1) {
      const operator = await as('operator');
      await operator.call('POST', `/workspaces/${ws.workspaceId}/settle`, {
        reason: 'new boot',
        seconds: 60,
      });
      const requestId = await park(ws, `wake-${boot}`);
      // Deferred once, so that it would come by itself only seconds later.
      await until('the head was deferred', async () =>
        (await ws.request(requestId))['position'] === 1 ? true : undefined,
      );
      const servedBefore = ws.agent.served.length;
      const startMs = performance.now();
      await ws.beat(`boot-${boot}`, 1);
      await until(
        'it is served',
        () => Promise.resolve(ws.agent.served.length > servedBefore ? true : undefined),
        {
          everyMs: 10,
        },
      );
      latenciesMs.push(performance.now() - startMs);
      await ws.untilRequestIs(requestId, 'delivered');
    }
    process.stderr.write(
      `e2e: from the first beat of a boot to delivery: median ${Math.round(median(latenciesMs))} ms\n`,
    );
    // The shortest deferral is 4 s: by itself the head would come, in the mean, after half of that at the earliest.
    expect(median(latenciesMs)).toBeLessThan(4000);

    const waiting = await (async () => {
      const operator = await as('operator');
      await operator.call('PUT', `/workspaces/${ws.workspaceId}/pause`, { reason: 'so that it waits' });
      return park(ws, 'estimated');
    })();
    expect(await ws.request(waiting)).toMatchObject({
      state: 'parked',
      position: 1,
      estimate: { label: 'estimate', basis: { turnSeconds: expect.any(Number) as number } },
    });
    const story = bodyOf(
      await (await as('operator')).call('GET', `/workspaces/${ws.workspaceId}/timeline?limit=3`),
    ) as { entries: Body[]; cursor: string };
    expect(story.entries).toHaveLength(3);
    // Request and verdict are of one millisecond: which of them is first is chance.
    expect(story.entries.find(({ kind }) => kind === 'request')).toMatchObject({
      id: waiting,
      state: 'parked',
    });
    const rest = bodyOf(
      await (
        await as('operator')
      ).call('GET', `/workspaces/${ws.workspaceId}/timeline?limit=200&cursor=${story.cursor}`),
    ) as { entries: Body[]; cursor: null };
    expect(rest.cursor).toBeNull();
    const all = [...story.entries, ...rest.entries];
    expect(all.filter(({ kind }) => kind === 'request')).toHaveLength(8);
    expect(all.filter(({ kind }) => kind === 'verdict')).toHaveLength(8);
  });
});
