/** The limits of what is parked, with many calls at the same moment: exact, whoever comes first. */
import { ulid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { LARGEST_BODY_BYTES, MOST_PARKED_BYTES, type ParkedRequest } from '../../core/parking.ts';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { admin, aRequest, as, aWorkspace, bodyOf, local, type Body } from './fleet.ts';

const times = <T>(count: number, make: (number: number) => T): T[] =>
  Array.from({ length: count }, (_, number) => make(number));
const tallied = (words: readonly (string | number)[]) =>
  Object.fromEntries(Object.entries(Object.groupBy(words, String)).map(([word, all]) => [word, all?.length]));

describe.concurrent('twenty calls at the same moment for a workspace that may have eight parked', () => {
  it('eight are kept, twelve are told to come later, and who is cancelled makes room for one', async () => {
    const ws = await aWorkspace({ parkedMax: 8 });
    const operator = await as('operator');
    await operator.call('PUT', `/workspaces/${ws.workspaceId}/pause`, { reason: 'so that all wait' });
    const park = (id: string) => ws.report({ error: { kind: 'refused' }, request: aRequest(id) });
    const parked = async () =>
      bodyOf(await operator.call('GET', `/workspaces/${ws.workspaceId}/requests`))['requests'] as Body[];

    const answers = await Promise.all(times(20, (number) => park(`crowd-${number}`)));
    expect(tallied(answers.map(({ status }) => status))).toEqual({ 202: 8, 429: 12 });
    const full = answers.find(({ status }) => status === 429);
    expect(full?.body).toMatchObject({ code: 'parked-full' });
    expect(full?.headers['retry-after']).toMatch(/^\d+$/);
    const promised = answers.filter(({ status }) => status === 202).map(bodyOf);
    expect((await parked()).map((request) => request['requestId']).sort()).toEqual(
      promised.map((body) => body['requestId']).sort(),
    );

    expect((await park('one-too-many')).status).toBe(429);
    expect((await operator.call('DELETE', `/requests/${String(promised[0]?.['requestId'])}`)).status).toBe(
      200,
    );
    expect((await park('in-its-place')).status).toBe(202);
    expect((await park('again-too-many')).status).toBe(429);
  });
});

describe.concurrent('a hundred requests of the largest size at the same moment', () => {
  it('as many are accepted as 64 MiB hold, not one more, and the counters go back to zero', async () => {
    const book = ledger(openTable(local.tableName, admin.dynamodb));
    const workspaceId = `crowd-${ulid()}`;
    const nowMs = Date.now();
    const rows = times(100, (): ParkedRequest => ({
      requestId: ulid(),
      workspaceId,
      caller: 'role/proxy',
      state: 'accepting',
      attempts: 0,
      bodyBytes: LARGEST_BODY_BYTES,
      acceptedAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
      ambiguous: false,
      whenDead: 'refuse',
      errorClass: 'agent-restarting',
      enqueueNo: 0,
    }));
    const about = { workspaceId, atMs: nowMs };
    const outcomes = await Promise.all(
      rows.map((request) => book.accept({ about, request, parkedMax: 1000 })),
    );
    const room = Math.floor(MOST_PARKED_BYTES / LARGEST_BODY_BYTES);
    expect(tallied(outcomes)).toEqual({ accepted: room, full: 100 - room });
    expect(await book.parkedFor(workspaceId)).toMatchObject({
      count: room,
      bytes: room * LARGEST_BODY_BYTES,
    });

    const kept = rows.filter((_, number) => outcomes[number] === 'accepted');
    await Promise.all(
      kept.map((row) => book.finish(row, { state: 'cancelled', why: 'over', atMs: Date.now() })),
    );
    await Promise.all(kept.map(({ requestId }) => book.noticed(requestId)));
    expect(await book.parkedFor(workspaceId)).toMatchObject({ count: 0, bytes: 0 });
  });
});
