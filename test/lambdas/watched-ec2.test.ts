import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { ec2Health } from '../../lambdas/adapters/ec2-health.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { watch, watchedPower, watchedProbe } from '../../lambdas/adapters/watched-ec2.ts';
import type { InstanceLook, PowerOutcome } from '../../lambdas/ports/ec2.ts';
import { mockedAws, NOW_MS, quietLog, stoppedClock, TABLE } from './mocked-aws.ts';

const look = (cause?: 'throttled' | 'absent'): InstanceLook => ({
  probe: cause
    ? { kind: 'unknown', cause }
    : { kind: 'seen', state: 'running', instanceId: 'i-1', launchTimeMs: 1 },
  tags: {},
});

let aws: ReturnType<typeof mockedAws>;
let clock: ReturnType<typeof stoppedClock>;
let health: ReturnType<typeof ec2Health>;
beforeEach(() => {
  aws = mockedAws();
  clock = stoppedClock();
  health = ec2Health(openTable(TABLE), quietLog());
});
const noted = () =>
  aws.dynamo.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => ({
    key: input.Key?.['sk'] as string,
    answered: input.ExpressionAttributeValues?.[':answered'] as number,
    failed: input.ExpressionAttributeValues?.[':failed'] as number,
  }));
const probing = (answer: InstanceLook) => {
  const watching = watch(health, clock);
  return watchedProbe({ look: (ids) => Promise.resolve(new Map(ids.map((id) => [id, answer]))) }, watching);
};
const key = `EC2#${Math.floor(NOW_MS / 60_000)}`;

describe('probes that EC2 answers', () => {
  it('are written in one go after a while, not one by one', async () => {
    const probe = probing(look());
    for (let second = 0; second <= 20; second += 2) {
      await probe.look(['i-1', 'i-2']);
      clock.advance(second < 20 ? 2000 : 0);
    }
    expect(noted()).toEqual([{ key, answered: 11, failed: 0 }]);
  });

  it('of an instance that is not there - are answers too; no ids asked, no call made', async () => {
    const probe = probing(look('absent'));
    await probe.look(['i-1']);
    await probe.look([]);
    clock.advance(20_000);
    await probe.look(['i-1']);
    expect(noted()).toEqual([{ key, answered: 2, failed: 0 }]);
  });

  it('long ago - are forgotten, not counted for the present', async () => {
    const probe = probing(look());
    await probe.look(['i-1']);
    clock.advance(120_001);
    await probe.look(['i-1']);
    clock.advance(20_000);
    await probe.look(['i-1']);
    expect(noted()).toMatchObject([{ answered: 2, failed: 0 }]);
  });
});

describe('probes that EC2 throttles', () => {
  it('the first is written at once, the next ones together', async () => {
    const probe = probing(look('throttled'));
    await probe.look(['i-1']);
    await probe.look(['i-1']);
    clock.advance(5000);
    await probe.look(['i-1']);
    expect(noted()).toMatchObject([{ failed: 1 }, { failed: 2 }]);
  });

  it('and the count cannot be written - the probe is answered all the same', async () => {
    aws.dynamo.on(UpdateCommand).rejects(new Error('down'));
    const looks = await probing(look('throttled')).look(['i-1']);
    expect(looks.get('i-1')).toEqual(look('throttled'));
  });
});

it.each([
  [{ kind: 'done', previousState: 'stopped' }, 0],
  [{ kind: 'unclear', code: 'TimeoutError' }, 1],
] as [PowerOutcome, number][])('an act that ends %o - counts %i failed', async (outcome, failed) => {
  const act = () => Promise.resolve(outcome);
  const power = watchedPower({ start: act, stop: act }, watch(health, clock));
  expect(await power.stop('i-1')).toBe(outcome);
  clock.advance(20_000);
  await power.start('i-1');
  expect(noted().reduce((sum, write) => sum + write.failed, 0)).toBe(2 * failed);
});

it('what cannot be read is not good news: the reader throws, and nothing is admitted', async () => {
  aws.dynamo.on(BatchGetCommand).resolves({ UnprocessedKeys: { [TABLE]: { Keys: [{}] } } });
  await expect(health.recent({ earliestMs: NOW_MS, latestMs: NOW_MS })).rejects.toThrow();
});

describe('what is read of the last minutes', () => {
  const minute = Math.floor(NOW_MS / 60_000);
  const read = async (now: { earliestMs: number; latestMs: number }) => {
    const stored = new Map([
      [`EC2#${minute - 3}`, { answered: 900, failed: 0 }],
      [`EC2#${minute - 1}`, { answered: 3, failed: 40 }],
      [`EC2#${minute}`, { answered: 2, failed: 30 }],
    ]);
    type Asked = { RequestItems?: Record<string, { Keys?: { sk: string }[] }> };
    aws.dynamo.on(BatchGetCommand).callsFake(({ RequestItems }: Asked) => ({
      Responses: {
        [TABLE]: (RequestItems?.[TABLE]?.Keys ?? []).flatMap(({ sk }) => {
          const counts = stored.get(sk);
          return counts ? [{ pk: 'FLEET', sk, ...counts }] : [];
        }),
      },
    }));
    return health.recent(now);
  };

  it('the time is certain - this minute and the two before it', async () => {
    expect(await read({ earliestMs: NOW_MS, latestMs: NOW_MS })).toEqual({ answered: 5, failed: 70 });
  });

  it('the clock is ahead - the bad minutes are seen all the same, and are not thinned by good ones (S16)', async () => {
    const latestMs = NOW_MS + 5 * 60_000;
    expect(await read({ earliestMs: NOW_MS, latestMs })).toEqual({ answered: 5, failed: 70 });
  });

  it('the clock is off by days - no more is read than one call takes', async () => {
    const latestMs = NOW_MS + 5 * 86_400_000;
    expect(await read({ earliestMs: NOW_MS, latestMs })).toEqual({ answered: 0, failed: 0 });
    const [call] = aws.dynamo.commandCalls(BatchGetCommand);
    expect(call?.args[0].input.RequestItems?.[TABLE]?.Keys?.length).toBeLessThanOrEqual(100);
  });
});
