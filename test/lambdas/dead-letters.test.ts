import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import { deadLetters } from '../../lambdas/adapters/dead-letters.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { apiCall } from './calls.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';
import { aMessage, finds, keptPieces, REQUEST, rowItem } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});
const store = () => deadLetters(openTable(TABLE));
/** Kept, and read back from what was written. */
const keptAndRead = async (message: ParkedMessage) => {
  await store().keep(message, NOW_MS);
  finds(aws, { [`REQ#${REQUEST}`]: keptPieces(aws) });
  return store().read(REQUEST);
};

describe('the bytes of a dead letter', () => {
  it('kept - the same bytes again, for as long as a row is readable', async () => {
    expect(await keptAndRead(aMessage())).toEqual(aMessage());
    expect(keptPieces(aws)[0]?.['ttl']).toBe((NOW_MS + 7 * 86_400_000) / 1000);
  });

  it('any size of body, any header - the same bytes again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat({ max: 700 * 1024 }), fc.constantFrom(0, 134_700, 134_800, 134_900, 135_000)),
        fc.dictionary(
          fc.stringMatching(/^[a-z-]{1,20}$/),
          fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,50}$/),
        ),
        async (bytes, headers) => {
          aws = mockedAws();
          const body = Buffer.alloc(bytes, 'Defib ').toString('base64');
          const message = aMessage({ body, headers });
          expect(await keptAndRead(message)).toEqual(message);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('more pieces than ten - in their own order, as their keys sort', async () => {
    await store().keep(aMessage({ body: Buffer.alloc(700 * 1024 * 2, 'x').toString('base64') }), NOW_MS);
    const keys = keptPieces(aws).map((item) => String(item['sk']));
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.toSorted()).toEqual(keys);
  });

  it('more than one page of pieces - all of them, read consistently', async () => {
    const message = aMessage({ body: Buffer.alloc(400 * 1024, 'x').toString('base64') });
    await store().keep(message, NOW_MS);
    const [first, ...rest] = keptPieces(aws);
    aws.dynamo
      .on(QueryCommand)
      .callsFake((input: { ExclusiveStartKey?: object }) =>
        input.ExclusiveStartKey ? { Items: rest } : { Items: [first], LastEvaluatedKey: { pk: 'x' } },
      );
    expect(await store().read(REQUEST)).toEqual(message);
    expect(aws.dynamo.commandCalls(QueryCommand)[0]?.args[0].input.ConsistentRead).toBe(true);
  });

  it.each([
    ['there are none', () => []],
    ['the last piece has gone', (pieces: object[]) => pieces.slice(0, -1)],
    ['the first piece has gone', (pieces: object[]) => pieces.slice(1)],
  ])('%s - lost: half a message is none', async (_what, left) => {
    await store().keep(aMessage({ body: Buffer.alloc(400 * 1024, 'x').toString('base64') }), NOW_MS);
    finds(aws, { [`REQ#${REQUEST}`]: left(keptPieces(aws)) as Record<string, unknown>[] });
    expect(await store().read(REQUEST)).toBeUndefined();
  });

  it('of another schema - lost to this version, which sends nothing that it does not understand', async () => {
    const piece = JSON.stringify({ ...aMessage(), v: 2 });
    finds(aws, { [`REQ#${REQUEST}`]: [{ piece, count: 1 }] });
    expect(await store().read(REQUEST)).toBeUndefined();
  });
});

describe('GET /dead-letters', () => {
  const list = (query: Record<string, string> = {}) =>
    handleLookup(apiCall('GET /dead-letters', '', { params: {}, query }), {
      ...portsOver(aws),
      operatorRoles: ['operator'],
    });
  beforeEach(() => {
    finds(aws, { 'DEAD-LETTERS': [{ listSort: REQUEST }] });
    holds(aws, aStoredWorkspace(), [
      rowItem({ state: 'dead-lettered', why: 'gave-up-eof', attempts: 5, finishedAtMs: NOW_MS }),
    ]);
  });

  it('each with its reason, and never with its bytes; newest first', async () => {
    const answer = await list();
    expect(answer).toMatchObject({
      status: 200,
      body: {
        requests: [
          {
            requestId: REQUEST,
            state: 'dead-lettered',
            why: 'gave-up-eof',
            attempts: 5,
            finishedAt: '2026-11-24T12:00:00.000Z',
          },
        ],
        cursor: null,
      },
    });
    expect(JSON.stringify(answer.body)).not.toContain(aMessage().body);
    expect(aws.dynamo.commandCalls(QueryCommand)[0]?.args[0].input).toMatchObject({
      ScanIndexForward: false,
      Limit: 50,
      ExpressionAttributeValues: { ':list': 'DEAD-LETTERS' },
    });
  });

  it('one that was sent again - says as what', async () => {
    const redrivenAs = '01KBREQESTAAAAAAAAAAAAAAAA';
    holds(aws, aStoredWorkspace(), [rowItem({ state: 'dead-lettered', redrivenAs })]);
    expect(await list()).toMatchObject({ body: { requests: [{ redrivenAs }] } });
  });

  it('a mark whose row has gone - left out', async () => {
    holds(aws, aStoredWorkspace());
    expect(await list()).toMatchObject({ body: { requests: [] } });
  });

  it('more than a page - a cursor, which leads on in this list and in no other', async () => {
    const last = { listKey: 'DEAD-LETTERS', listSort: REQUEST, pk: `REQ#${REQUEST}`, sk: 'REQUEST' };
    aws.dynamo.on(QueryCommand).resolves({ Items: [{ listSort: REQUEST }], LastEvaluatedKey: last });
    const cursor = (await list({ limit: '1' })).body?.['cursor'];
    await list({ limit: '1', cursor: String(cursor) });
    expect(aws.dynamo.commandCalls(QueryCommand)[1]?.args[0].input.ExclusiveStartKey).toEqual(last);
    const foreign = Buffer.from(JSON.stringify({ listKey: 'WAITING#ws-1' })).toString('base64url');
    await expect(list({ cursor: foreign })).rejects.toThrow('another list');
  });

  it.each<Record<string, string>>([{ limit: '0' }, { limit: '-1' }, { cursor: '{}' }, { state: 'parked' }])(
    'asked with %j - refused',
    async (query) => {
      await expect(list(query)).rejects.toMatchObject({
        name: 'InvalidInputError',
      });
    },
  );
});
