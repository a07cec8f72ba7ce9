import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { putRestartEnd } from '../../lambdas/adapters/restart-ends.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { apiCall } from './calls.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';
import { rowItem } from './parked.ts';

interface AskedQuery {
  readonly ExpressionAttributeValues: Record<string, string>;
  readonly Limit: number;
  readonly ExclusiveStartKey?: { readonly sk: string };
}
const id = (letter: string) => `01KA${letter.repeat(22)}`;
let aws: ReturnType<typeof mockedAws>;
let receipts: { sk: string; receipt: object }[];
let orders: { sk: string; order: object }[];
let restarts: { sk: string; restart: object }[];
let waiting: string[];
let ended: string[];

beforeEach(() => {
  aws = mockedAws();
  receipts = ['F', 'C'].map((letter) => ({
    sk: `VERDICT#${id(letter)}`,
    receipt: {
      verdictId: id(letter),
      verdict: 'dead',
      reason: 'stopped',
      rule: '13-dead',
      askedBy: 'role/proxy',
      openedAtMs: NOW_MS,
    },
  }));
  orders = ['A'].map((letter) => ({
    sk: `ORDER#${id(letter)}`,
    order: {
      orderId: id(letter),
      workspaceId: 'ws-1',
      what: 'restart',
      by: 'role/operator/ann',
      reason: 'a test',
      atMs: NOW_MS,
      token: id(letter),
    },
  }));
  restarts = ['F', 'A'].map((letter) => ({
    sk: `RESTART#${id(letter)}`,
    restart: {
      token: id(letter),
      reason: 'stopped',
      sinceMs: NOW_MS,
      endedAtMs: NOW_MS + 30_000,
      outcome: 'done',
      because: 'beat',
      label: 'justified',
    },
  }));
  waiting = [id('E'), id('D')];
  ended = [id('D'), id('B')];
  holds(
    aws,
    aStoredWorkspace(),
    [...new Set([...waiting, ...ended])].map((requestId) => rowItem({ requestId })),
  );
  aws.dynamo.on(QueryCommand).callsFake((input: AskedQuery) => {
    const values = input.ExpressionAttributeValues;
    const newest = <T>(all: T[], keyOf: (one: T) => string, last = '') =>
      all
        .filter((one) => keyOf(one) <= last)
        .toSorted((one, other) => (keyOf(one) < keyOf(other) ? 1 : -1))
        .slice(0, input.Limit);
    const { ':first': first, ':last': last, ':list': list, ':id': upTo } = values;
    if (first === 'VERDICT#') {
      const before = input.ExclusiveStartKey?.['sk'];
      const left = receipts.filter(({ sk }) => sk <= (last ?? '') && (before === undefined || sk < before));
      const Items = newest(left, ({ sk }) => sk, last);
      return { Items, ...(Items.length < left.length && { LastEvaluatedKey: { sk: Items.at(-1)?.sk } }) };
    }
    if (first === 'ORDER#') return { Items: newest(orders, ({ sk }) => sk, last) };
    if (first === 'RESTART#') return { Items: newest(restarts, ({ sk }) => sk, last) };
    const ids = list === 'WAITING#ws-1' ? waiting : list === 'ENDED#ws-1' ? ended : [];
    return { Items: newest(ids, (one) => one, upTo).map((listSort) => ({ listSort })) };
  });
});

const look = (query: Record<string, string> = {}, workspaceId = 'ws-1') =>
  handleLookup(apiCall('GET /workspaces/{workspaceId}/timeline', '', { params: { workspaceId }, query }), {
    ...portsOver(aws),
    operatorRoles: ['operator'],
  });
const entriesOf = (answer: Awaited<ReturnType<typeof look>>) =>
  (answer.body?.['entries'] as { id: string; kind: string }[]).map((entry) => `${entry.id[4]} ${entry.kind}`);
const whole = [
  'F restart',
  'F verdict',
  'E request',
  'D request',
  'C verdict',
  'B request',
  'A restart',
  'A order',
];

describe('GET /workspaces/{workspaceId}/timeline', () => {
  it('verdicts, orders, restarts and requests - one story, newest first; one that stands in two lists is told once', async () => {
    const answer = await look();
    expect(entriesOf(answer)).toEqual(whole);
    expect(answer).toMatchObject({ status: 200, body: { cursor: null } });
  });

  it.each(['1', '2', '3', '6', '7', '200', '9999'])(
    'pages of %s - each entry once, in order',
    async (limit) => {
      const read: string[] = [];
      let cursor: string | undefined;
      do {
        const answer = await look({ limit, ...(cursor !== undefined && { cursor }) });
        read.push(...entriesOf(answer));
        cursor = (answer.body?.['cursor'] as string | null) ?? undefined;
      } while (cursor !== undefined && read.length < 100);
      expect(read).toEqual(whole);
    },
  );

  it('no more than 200 at once - asked of the table is a page and two', async () => {
    await look({ limit: '9999' });
    const limits = aws.dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input.Limit);
    expect(limits).toEqual([202, 202, 202, 202, 202]);
  });

  it('asked of the table - newest first, from the mark on backwards, in the partition of the workspace', async () => {
    await look({ cursor: `${id('D')}.0` });
    const asked = aws.dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);
    expect(asked.map((input) => input.ScanIndexForward)).toEqual([false, false, false, false, false]);
    expect(asked.map((input) => input.KeyConditionExpression).toSorted()).toEqual([
      'listKey = :list AND listSort <= :id',
      'listKey = :list AND listSort <= :id',
      'pk = :pk AND sk BETWEEN :first AND :last',
      'pk = :pk AND sk BETWEEN :first AND :last',
      'pk = :pk AND sk BETWEEN :first AND :last',
    ]);
    expect(asked[0]?.ExpressionAttributeValues).toMatchObject({
      ':pk': 'WS#ws-1',
      ':last': `VERDICT#${id('D')}`,
    });
  });

  it('a request whose row has gone - left out', async () => {
    holds(aws, aStoredWorkspace(), [rowItem({ requestId: id('E') })]);
    expect(entriesOf(await look())).toEqual([
      'F restart',
      'F verdict',
      'E request',
      'C verdict',
      'A restart',
      'A order',
    ]);
  });

  it('receipts that this version cannot read, more than a page of them - passed over, and the story goes on', async () => {
    const unreadable = ['G', 'H', 'J', 'K', 'M', 'N'].map((letter) => ({
      sk: `VERDICT#${id(letter)}`,
      receipt: { verdict: 'odd' },
    }));
    receipts = [...receipts, ...unreadable];
    const first = await look({ limit: '2' });
    expect(entriesOf(first)).toEqual(['F restart', 'F verdict']);
    expect(first.body?.['cursor']).toEqual(expect.any(String));
  });

  it('an order - who, what and why', async () => {
    const { body } = await look();
    expect((body?.['entries'] as object[]).at(-1)).toEqual({
      id: id('A'),
      kind: 'order',
      at: new Date(NOW_MS).toISOString(),
      what: 'restart',
      by: 'role/operator/ann',
      reason: 'a test',
    });
  });

  it('a workspace without a story - an empty one; an unknown workspace - 404', async () => {
    receipts = [];
    restarts = [];
    orders = [];
    waiting = [];
    ended = [];
    expect(await look()).toMatchObject({ status: 200, body: { entries: [], cursor: null } });
    expect(await look({}, 'nobody')).toMatchObject({ status: 404, body: { code: 'unknown-workspace' } });
  });

  it.each([{ cursor: 'x' }, { cursor: `${id('A')}.3` }, { limit: '0' }, { state: 'parked' }])(
    'asked with %j - refused',
    async (query) => {
      await expect(look(query as unknown as Record<string, string>)).rejects.toMatchObject({
        name: 'InvalidInputError',
      });
    },
  );
});

describe('the end of a restart', () => {
  it('noted - read back as it was', async () => {
    const record = {
      token: id('G'),
      reason: 'silent',
      sinceMs: NOW_MS,
      endedAtMs: NOW_MS + 1000,
      outcome: 'failed',
      because: 'deadline',
      label: 'unclear',
    };
    const end = { workspaceId: 'ws-1', instanceId: 'i-0123456789abcdef0', record, quarantined: false };
    const { Put: written } = putRestartEnd(openTable(TABLE), end);
    expect(written.Item).toMatchObject({ pk: 'WS#ws-1', sk: `RESTART#${id('G')}`, restart: record });
    restarts.push(written.Item);
    const story = await look({ limit: '1' });
    expect(story.body?.['entries']).toMatchObject([
      { kind: 'restart', outcome: 'failed', because: 'deadline' },
    ]);
  });
});
