import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { apiCall } from './calls.ts';
import { aStoredWorkspace, holds, mockedAws, NOW_MS } from './mocked-aws.ts';
import { allPortsOver } from './one-workspace.ts';
import { aMessage, finds, news, REQUEST, rowItem, rowUpdates, sentTo } from './parked.ts';
import { cancelled, FAILED } from './refused-writes.ts';

const NEW = '01KATESTAAAAAAAAAAAAAAAA01';
let aws: ReturnType<typeof mockedAws>;
let ports: Parameters<typeof handleOperate>[1];
beforeEach(() => {
  aws = mockedAws();
  ports = allPortsOver(aws);
});

/** The message in pieces, as the table keeps them. */
const piecesOf = (message: ParkedMessage, pieceLength = 180_000) => {
  const text = JSON.stringify(message);
  const count = Math.ceil(text.length / pieceLength);
  return Array.from({ length: count }, (_, index) => ({
    piece: text.slice(index * pieceLength, (index + 1) * pieceLength),
    count,
  }));
};
type Row = NonNullable<Parameters<typeof rowItem>[0]>;
/** A dead letter with its bytes, of a workspace that lives. */
const hold = (
  changes: Row = {},
  { workspace = aStoredWorkspace(), pieces = piecesOf(aMessage()), more = [] as Row[] } = {},
) => {
  const letter = rowItem({
    state: 'dead-lettered',
    why: 'gave-up-eof',
    generation: 3,
    attempts: 5,
    ...changes,
  });
  holds(aws, workspace, [letter, ...more.map((row) => rowItem(row))]);
  finds(aws, { [`REQ#${REQUEST}`]: pieces, 'DEAD-LETTERS': [{ listSort: REQUEST }] });
};
const redrive = async (body: object = { requestIds: [REQUEST] }) => {
  const answer = await handleOperate(apiCall('POST /dead-letters/redrive', body, { params: {} }), ports);
  return answer.body as {
    dryRun: boolean;
    redriven: { requestId: string; redriveOf: string }[];
    skipped: { requestId: string; why: string }[];
    more: boolean;
  };
};
const written = () =>
  aws.dynamo.commandCalls(TransactWriteCommand).map((call) => call.args[0].input.TransactItems ?? []);
const refusing = (failed: number) =>
  cancelled(...[0, 1, 2].map((index) => (index === failed ? FAILED : 'None')));

describe('a dead letter that is sent again', () => {
  it('becomes a new request with the same key and the same bytes; the old row only remembers it', async () => {
    hold({ ambiguous: true, onAmbiguous: 'retry', whenDead: 'park' });
    expect(await redrive()).toEqual({
      dryRun: false,
      redriven: [{ requestId: NEW, redriveOf: REQUEST }],
      skipped: [],
      more: false,
    });
    const [[mark, row, counters] = []] = written();
    expect(mark?.Update).toMatchObject({
      Key: { pk: `REQ#${REQUEST}`, sk: 'REQUEST' },
      UpdateExpression: 'SET redrivenAs = :as',
      ConditionExpression: '#state = :dead AND attribute_not_exists(redrivenAs)',
    });
    expect(row?.Put?.Item).toMatchObject({
      requestId: NEW,
      redriveOf: REQUEST,
      state: 'accepting',
      attempts: 0,
      caller: 'role/proxy',
      expiresAtMs: NOW_MS + 3_600_000,
      ambiguous: true,
      onAmbiguous: 'retry',
      whenDead: 'park',
      generation: 3,
    });
    expect(row?.Put?.Item).not.toHaveProperty('why');
    expect(counters?.Update?.ExpressionAttributeValues).toMatchObject({ ':most': 1000, ':size': 5 });
    expect(sentTo(aws, 'parked')).toMatchObject([
      { MessageGroupId: 'ws-1', message: { ...aMessage(), requestId: NEW } },
    ]);
    expect(rowUpdates(aws, 'SET #state = :parked')).toMatchObject([{ Key: { pk: `REQ#${NEW}` } }]);
    expect(news(aws)).toMatchObject([{ type: 'request.parked' }]);
  });

  it('of 700 KiB, in pieces - whole again', async () => {
    const message = aMessage({ body: Buffer.alloc(700 * 1024, 'x').toString('base64') });
    hold({}, { pieces: piecesOf(message) });
    await redrive();
    expect(piecesOf(message).length).toBeGreaterThan(5);
    expect(sentTo(aws, 'parked')[0]?.message).toEqual({ ...message, requestId: NEW });
  });

  it('many of them - in the order in which they were accepted first', async () => {
    const older = '01JAREQESTAAAAAAAAAAAAAAAA';
    const letter = { state: 'dead-lettered', generation: 3 } as const;
    hold({}, { more: [{ ...letter, requestId: older }] });
    finds(aws, { [`REQ#${REQUEST}`]: piecesOf(aMessage()), [`REQ#${older}`]: piecesOf(aMessage()) });
    const { redriven } = await redrive({ requestIds: [REQUEST, older] });
    expect(redriven.map(({ redriveOf }) => redriveOf)).toEqual([older, REQUEST]);
  });
});

describe('a dry run', () => {
  it('says what would be done and why not, and writes and sends nothing', async () => {
    hold();
    expect(await redrive({ requestIds: [REQUEST], dryRun: true })).toMatchObject({
      dryRun: true,
      redriven: [{ redriveOf: REQUEST }],
    });
    hold({ expiresAtMs: NOW_MS });
    expect(await redrive({ dryRun: true })).toMatchObject({
      redriven: [],
      skipped: [{ requestId: REQUEST, why: 'expired' }],
    });
    expect(written()).toEqual([]);
    expect(sentTo(aws, 'parked')).toEqual([]);
  });
});

describe('a dead letter that would not be delivered now (S38)', () => {
  it.each<[string, Row, NonNullable<Parameters<typeof hold>[1]>, string]>([
    ['its time has passed', { expiresAtMs: NOW_MS }, {}, 'expired'],
    ['its caller may no longer report', { caller: 'role/dismissed' }, {}, 'forbidden'],
    ['its caller bears half a name', { caller: 'proxy' }, {}, 'forbidden'],
    ['its bytes went with their message', {}, { pieces: [] }, 'body-lost'],
    ['a piece of its bytes is missing', {}, { pieces: piecesOf(aMessage(), 50).slice(1) }, 'body-lost'],
    [
      'its workspace was removed and registered anew',
      { generation: 2 },
      { workspace: aStoredWorkspace({ generation: 3, firstGeneration: 3 }) },
      'workspace-removed',
    ],
    [
      'its workspace was removed',
      {},
      { workspace: aStoredWorkspace({ workspaceId: 'another' }) },
      'workspace-removed',
    ],
  ])('%s - skipped with the reason, nothing is written or sent', async (_what, changes, more, why) => {
    hold(changes, more);
    expect(await redrive()).toMatchObject({ redriven: [], skipped: [{ requestId: REQUEST, why }] });
    expect(written()).toEqual([]);
    expect(sentTo(aws, 'parked')).toEqual([]);
  });

  it('its workspace cannot be read by this version - skipped: unknown is no leave', async () => {
    hold();
    const letter = rowItem({ state: 'dead-lettered', generation: 3 });
    holds(aws, aStoredWorkspace({ workspaceId: 'another' }), [
      letter,
      { pk: 'WS#ws-1', sk: 'STATE', v: 'odd' },
    ]);
    expect((await redrive()).skipped).toEqual([{ requestId: REQUEST, why: 'workspace-unreadable' }]);
  });

  it('parked by an operator - may be sent again', async () => {
    hold({ caller: 'role/operator' });
    expect((await redrive()).redriven).toHaveLength(1);
  });

  it('one millisecond before its time - sent again', async () => {
    hold({ expiresAtMs: NOW_MS + 1 });
    expect((await redrive()).redriven).toHaveLength(1);
  });

  it.each(['parked', 'delivered', 'expired', 'cancelled'] as const)(
    'it is no dead letter but %s - unknown, nothing is said of it',
    async (state) => {
      hold({ state });
      expect((await redrive()).skipped).toEqual([{ requestId: REQUEST, why: 'unknown-request' }]);
    },
  );

  it('its workspace has as many parked as it may - parked-full, and the old row does not remember anything', async () => {
    hold();
    aws.dynamo.on(TransactWriteCommand).rejects(refusing(2));
    expect((await redrive()).skipped).toEqual([{ requestId: REQUEST, why: 'parked-full' }]);
    expect(sentTo(aws, 'parked')).toEqual([]);
  });

  it('the queue takes nothing - parking-failed, never a false success', async () => {
    hold();
    aws.sqs.on(SendMessageCommand).rejects(new Error('no'));
    expect((await redrive()).skipped).toEqual([{ requestId: REQUEST, why: 'parking-failed' }]);
  });
});

describe('a redrive that is repeated', () => {
  const made = (changes: Row = {}): Row => ({
    requestId: NEW,
    redriveOf: REQUEST,
    state: 'parked',
    ...changes,
  });

  it.each(['parked', 'delivering', 'delivered', 'dead-lettered'] as const)(
    'the new request is %s - the same answer again, and nothing more is made',
    async (state) => {
      hold({ redrivenAs: NEW }, { more: [made({ state })] });
      expect((await redrive()).redriven).toEqual([{ requestId: NEW, redriveOf: REQUEST }]);
      expect(written()).toEqual([]);
      expect(sentTo(aws, 'parked')).toEqual([]);
    },
  );

  it('it stopped after the write - resumed with the row that is there: its message, and then its promise', async () => {
    const old = '01KBREQESTAAAAAAAAAAAAAAAA';
    hold({ redrivenAs: old }, { more: [made({ requestId: old, state: 'accepting' })] });
    expect((await redrive()).redriven).toEqual([{ requestId: old, redriveOf: REQUEST }]);
    expect(written()).toEqual([]);
    expect(sentTo(aws, 'parked')).toMatchObject([
      { MessageDeduplicationId: `${old}#0`, message: { requestId: old, idempotencyKey: 'r-1' } },
    ]);
    expect(rowUpdates(aws, 'SET #state = :parked')).toMatchObject([{ Key: { pk: `REQ#${old}` } }]);
  });

  it('the new request was never accepted - made anew, and only if that is still the one', async () => {
    const old = '01KBREQESTAAAAAAAAAAAAAAAA';
    const more = [made({ requestId: old, state: 'refused', why: 'never-accepted' })];
    hold({ redrivenAs: old }, { more });
    expect((await redrive()).redriven).toEqual([{ requestId: NEW, redriveOf: REQUEST }]);
    expect(written()[0]?.[0]?.Update).toMatchObject({
      ConditionExpression: '#state = :dead AND redrivenAs = :before',
      ExpressionAttributeValues: { ':before': old },
    });
  });

  it('two at the same moment - the one that loses says so and sends nothing', async () => {
    hold();
    aws.dynamo.on(TransactWriteCommand).rejects(refusing(0));
    expect((await redrive()).skipped).toEqual([{ requestId: REQUEST, why: 'redriven' }]);
    expect(sentTo(aws, 'parked')).toEqual([]);
  });

  it('its own write was done and only the answer was lost - a win, and it goes on', async () => {
    hold();
    aws.dynamo.on(TransactWriteCommand).callsFake(() => {
      hold({ redrivenAs: NEW });
      throw refusing(0);
    });
    expect((await redrive()).redriven).toEqual([{ requestId: NEW, redriveOf: REQUEST }]);
    expect(sentTo(aws, 'parked')).toHaveLength(1);
  });
});

describe('which dead letters are sent again', () => {
  it('none named - the newest that were not sent again yet', async () => {
    hold();
    expect((await redrive({})).redriven).toHaveLength(1);
    hold({ redrivenAs: NEW }, { more: [{ requestId: NEW, redriveOf: REQUEST, state: 'parked' }] });
    expect(await redrive({})).toMatchObject({ redriven: [], skipped: [], more: false });
  });

  it('of one workspace - no other', async () => {
    hold();
    expect((await redrive({ workspaceId: 'ws-2' })).redriven).toEqual([]);
    expect((await redrive({ workspaceId: 'ws-1' })).redriven).toHaveLength(1);
  });

  it('named ones of which the ledger knows nothing - unknown, beside one that it knows', async () => {
    hold();
    const nobody = '01KBREQESTAAAAAAAAAAAAAAAA';
    expect(await redrive({ requestIds: [nobody, REQUEST] })).toMatchObject({
      redriven: [{ redriveOf: REQUEST }],
      skipped: [{ requestId: nobody, why: 'unknown-request' }],
      more: false,
    });
  });

  it('a list of several pages - read until there are enough, and no further than that', async () => {
    const second = '01KBREQESTAAAAAAAAAAAAAAAA';
    const third = '01KCREQESTAAAAAAAAAAAAAAAA';
    const letter = { state: 'dead-lettered', generation: 3 } as const;
    hold({}, { more: [second, third].map((requestId) => ({ ...letter, requestId })) });
    const pages = [third, second, REQUEST];
    aws.dynamo
      .on(QueryCommand)
      .callsFake(
        (input: {
          ExpressionAttributeValues: Record<string, string>;
          ExclusiveStartKey?: { listSort: string };
        }) => {
          if (input.ExpressionAttributeValues[':list'] !== 'DEAD-LETTERS')
            return { Items: piecesOf(aMessage()) };
          const at = 1 + pages.indexOf(input.ExclusiveStartKey?.listSort ?? '');
          const id = pages[at] ?? '';
          const next = { listKey: 'DEAD-LETTERS', listSort: id, pk: `REQ#${id}`, sk: 'REQUEST' };
          return {
            Items: [{ listSort: id }],
            ...(at + 1 < pages.length && { LastEvaluatedKey: next }),
          };
        },
      );
    const of = async (limit: number) => {
      const { redriven, more } = await redrive({ limit, dryRun: true });
      return [redriven.map(({ redriveOf }) => redriveOf), more];
    };
    expect(await of(1)).toEqual([[third], true]);
    expect(await of(2)).toEqual([[second, third], true]);
    expect(await of(3)).toEqual([[REQUEST, second, third], false]);
  });

  it.each([
    ['expired', { expiresAtMs: NOW_MS }, 'expired'],
    ['of a workspace that was registered anew', { generation: 2 }, 'workspace-removed'],
    ['of a caller that may no longer report', { caller: 'role/gone' }, 'forbidden'],
    ['without its bytes', { why: 'body-lost' }, 'body-lost'],
  ])(
    'the newest is %s - told so, and it takes no place from one that can be sent',
    async (_what, changes, why) => {
      const newest = '01KBREQESTAAAAAAAAAAAAAAAA';
      const letter = { state: 'dead-lettered', generation: 3 } as const;
      hold(
        {},
        {
          workspace: aStoredWorkspace({ generation: 3, firstGeneration: 3 }),
          more: [{ ...letter, requestId: newest, ...changes }],
        },
      );
      finds(aws, {
        [`REQ#${REQUEST}`]: piecesOf(aMessage()),
        'DEAD-LETTERS': [{ listSort: newest }, { listSort: REQUEST }],
      });
      expect(await redrive({ limit: 1 })).toMatchObject({
        redriven: [{ redriveOf: REQUEST }],
        skipped: [{ requestId: newest, why }],
        more: false,
      });
    },
  );

  it('exactly as many as the limit - nothing more is said to be there', async () => {
    hold();
    expect(await redrive({ requestIds: [REQUEST], limit: 1 })).toMatchObject({ more: false, skipped: [] });
    hold();
    expect(await redrive({ limit: 1, dryRun: true })).toMatchObject({ more: false });
  });

  it('more than the limit - the rest is said to be there', async () => {
    const second = '01KBREQESTAAAAAAAAAAAAAAAA';
    hold({}, { more: [{ requestId: second, state: 'dead-lettered', generation: 3 }] });
    expect(await redrive({ requestIds: [REQUEST, second], limit: 1 })).toMatchObject({
      redriven: [{ redriveOf: REQUEST }],
      more: true,
    });
  });

  it('the call has worked for eight seconds - it answers, and says that there is more', async () => {
    hold();
    let nowMs = NOW_MS;
    // Each look at the clock costs five seconds.
    ports = { ...ports, clock: { ...ports.clock, nowMs: () => (nowMs += 5000) } };
    const second = '01KBREQESTAAAAAAAAAAAAAAAA';
    hold({}, { more: [{ requestId: second, state: 'dead-lettered', generation: 3 }] });
    const answer = await redrive({ requestIds: [REQUEST, second] });
    expect(answer.redriven).toHaveLength(1);
    expect(answer.more).toBe(true);
  });

  it.each([
    ['a request twice', { requestIds: [REQUEST, REQUEST] }, 'requestIds'],
    ['none at all', { requestIds: [] }, 'requestIds'],
    ['what is no id', { requestIds: ['../x'] }, 'requestIds'],
    ['a limit of 0', { limit: 0 }, 'limit'],
    ['a limit of 101', { limit: 101 }, 'limit'],
    ['an unknown field', { url: 'http://169.254.169.254/' }, 'url'],
  ])('names %s - refused by the field', async (_what, body, field) => {
    hold();
    await expect(redrive(body)).rejects.toMatchObject({
      problems: [{ field: expect.stringContaining(field) as string }],
    });
  });
});
