import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { aStoredWorkspace, NOW_MS } from './mocked-aws.ts';
import { endings, finds, news, REQUEST, rowItem, totalsItem } from './parked.ts';
import { cancelled, conditionFailed } from './refused-writes.ts';
import { sweepWorld } from './sweep-world.ts';

const world = sweepWorld();
const { hold, sweep, updates, transactions, counted } = world;

describe('the sweep of requests', () => {
  describe('whose message is gone', () => {
    const sweepParked = async (
      rows: readonly Parameters<typeof rowItem>[0][],
      totals: Record<string, unknown>,
      depth: readonly string[] = ['3', '0', '0'],
    ) => {
      const items = rows.map((changes) => rowItem(changes));
      finds(world.aws, {
        'DUE#PARKED': [{ pk: 'WS#ws-1' }],
        'WAITING#ws-1': items.map((item) => ({ listSort: item['requestId'] })),
      });
      hold(aStoredWorkspace(), [...items, totalsItem(totals)]);
      const [visible, hidden, delayed] = depth;
      world.aws.sqs.on(GetQueueAttributesCommand).resolves({
        Attributes: {
          ...(visible !== undefined && { ApproximateNumberOfMessages: visible }),
          ...(hidden !== undefined && { ApproximateNumberOfMessagesNotVisible: hidden }),
          ...(delayed !== undefined && { ApproximateNumberOfMessagesDelayed: delayed }),
        },
      });
      world.aws.dynamo.on(UpdateCommand).callsFake((input: { ConditionExpression?: string }) => {
        if (input.ConditionExpression !== '#count <= :zero') return {};
        throw conditionFailed();
      });
      await sweep();
    };
    const postponed = () =>
      updates()
        .filter((input) => input.UpdateExpression?.startsWith('SET dueAt'))
        .map((input) => input.ExpressionAttributeValues);
    const long = { parkedAtMs: NOW_MS - 3_600_000, sequence: '5' };
    const lost = [{ requestId: REQUEST, state: 'dead-lettered', why: 'body-lost' }];

    it('one that came after it in the group has been received - a dead letter, body-lost, counted for the alarm', async () => {
      await sweepParked([{ ...long, attempts: 1 }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(world.aws)).toMatchObject(lost);
      expect(endings(world.aws)[0]?.values).toMatchObject({ ':from': 'parked', ':attempts': 1 });
      expect(counted()).toEqual(['RequestDeadLettered', 'BodyLost']);
      expect(counted()).not.toContain('ParkedSilent');
      const mark = transactions()[0]?.[2]?.Put;
      expect(mark?.Item).toMatchObject({ sk: 'DEAD-LETTER', listKey: 'DEAD-LETTERS' });
    });

    it('it ends by another hand at that moment - not counted: no message is lost', async () => {
      world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled());
      await sweepParked([long], { drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' } });
      expect(counted()).toEqual([]);
      expect(news(world.aws)).toEqual([]);
    });

    it('the oldest are asked for, first come first', async () => {
      await sweepParked([long], {});
      const listed = world.aws.dynamo
        .commandCalls(QueryCommand)
        .map((call) => call.args[0].input)
        .find((input) => input.ExpressionAttributeValues?.[':list'] === 'WAITING#ws-1');
      expect(listed).toMatchObject({ Limit: 25, ScanIndexForward: true });
    });

    it('nothing later has been received - it only waits', async () => {
      await sweepParked([long], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '5' },
      });
      expect(endings(world.aws)).toEqual([]);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000 }]);
    });

    it('only the one in front is gone - the one behind it is left alone', async () => {
      const second = '01KBREQESTAAAAAAAAAAAAAAAA';
      await sweepParked([long, { requestId: second, parkedAtMs: NOW_MS - 60_000, sequence: '6' }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(world.aws)).toMatchObject(lost);
      expect(endings(world.aws)).toHaveLength(1);
    });

    it('nothing is received, and the queue holds nothing - counted, and the beginning is remembered', async () => {
      await sweepParked([long], {}, ['0', '0', '0']);
      expect(counted()).toContain('ParkedSilent');
      expect(endings(world.aws)).toEqual([]);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000, ':empty': NOW_MS }]);
    });

    it('and has held nothing for 150 s - a dead letter, body-lost', async () => {
      await sweepParked([long], { emptySinceMs: NOW_MS - 150_000 }, ['0', '0', '0']);
      expect(endings(world.aws)).toMatchObject(lost);
      expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000, ':empty': NOW_MS - 150_000 }]);
    });

    it.each([
      ['holds messages again', ['0', '1', '0']],
      ['does not say how many are hidden', ['0']],
    ])(
      'nothing is received, but the queue %s - counted only, and the emptiness begins anew',
      async (_what, depth) => {
        await sweepParked([long], { emptySinceMs: NOW_MS - 600_000 }, depth);
        expect(counted()).toContain('ParkedSilent');
        expect(endings(world.aws)).toEqual([]);
        expect(postponed()).toEqual([{ ':due': NOW_MS + 60_000 }]);
      },
    );

    it('being delivered under a lease - its message is the one that is in hand', async () => {
      await sweepParked(
        [{ ...long, state: 'delivering', leaseUntilMs: NOW_MS + 1 }],
        { drain: { receivedSequence: '6' }, emptySinceMs: NOW_MS - 600_000 },
        ['0', '0', '0'],
      );
      expect(endings(world.aws)).toEqual([]);
    });

    it('being delivered, and its lease is long over - ended only from that attempt', async () => {
      await sweepParked([{ ...long, state: 'delivering', attempts: 4, leaseUntilMs: NOW_MS - 60_000 }], {
        drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
      });
      expect(endings(world.aws)).toMatchObject(lost);
      expect(endings(world.aws)[0]?.values).toMatchObject({ ':from': 'delivering', ':attempts': 4 });
    });

    it('still accepting, or ended though the index does not know it yet - not its business', async () => {
      await sweepParked(
        [
          { ...long, state: 'accepting' },
          { ...long, state: 'delivered' },
        ],
        {
          drain: { receivedAtMs: NOW_MS - 1000, receivedSequence: '6' },
        },
      );
      expect(endings(world.aws)).toEqual([]);
      expect(counted()).toEqual([]);
    });
  });
});
