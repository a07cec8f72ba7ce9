import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { claimed, LAUNCHED_MS, newBeat, TOKEN } from './claimed.ts';
import { fleetItem, sizeItem } from './fleet-items.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';
import { cancelled, FAILED } from './refused-writes.ts';

const world = oneWorkspace();
const { hold, settle, updates, puts, transactions, starts, acts, news, counted, ended } = world;

describe('other states', () => {
  it.each(['pending', 'stopping', 'shutting-down'])('%s - waits, and calls nothing', async (state) => {
    hold(claimed({ step: 'start-issued', attempt: 1 }));
    ec2Shows(world.aws, state);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(acts()).toBe(0);
  });

  it('running, and the LaunchTime never moved - a false alarm: ended without any call', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(acts()).toBe(0);
    expect(ended()).toHaveLength(1);
    expect(news()).toEqual(['restart.done']);
  });

  it('running anew with a beat of a new boot - done', async () => {
    hold(claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }, { heartbeat: newBeat }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(news()).toEqual(['restart.done']);
    expect(counted()).toContain('RestartJustified');
    const noted = transactions().flatMap(([, second]) => (second?.Put ? [second.Put.Item ?? {}] : []));
    expect(noted).toMatchObject([
      {
        pk: 'WS#ws-1',
        restart: {
          outcome: 'done',
          label: 'justified',
          endedAtMs: NOW_MS,
          reason: expect.any(String) as string,
        },
      },
    ]);
    expect(noted[0]?.['sk']).toBe(`RESTART#${(noted[0]?.['restart'] as { token: string }).token}`);
  });

  it('its end is another copy’s - not told a second time, nor noted for the story', async () => {
    hold(claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }, { heartbeat: newBeat }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    world.aws.dynamo.on(TransactWriteCommand).rejects(cancelled(FAILED, 'None'));
    await settle();
    expect(news()).toEqual([]);
  });

  it('running anew without a beat - waits', async () => {
    hold(claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 20_000 });
    expect(await settle()).toMatchObject({ kind: 'again' });
  });

  it('terminated - given up as gone, never started', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'terminated');
    await settle();
    expect(starts()).toBe(0);
    expect(news()).toEqual(['workspace.gone']);
  });
});

describe('fencing', () => {
  it.each([{ token: '01KAOTHERAAAAAAAAAAAAAAAAA' }, { epoch: 1 }, { workspaceId: 'ws-2' }])(
    'a message that is not of this very claim (%o) - changes nothing',
    async (changes) => {
      hold(claimed());
      ec2Shows(world.aws, 'stopped');
      expect(await settle(changes)).toEqual({ kind: 'done' });
      expect(updates()).toHaveLength(0);
      expect(acts()).toBe(0);
    },
  );

  it('the workspace is wanted stopped by now - cancelled, nothing is started', async () => {
    hold(claimed({}, { desired: 'stopped' }));
    ec2Shows(world.aws, 'stopped');
    await settle();
    expect(starts()).toBe(0);
    expect(ended()).toHaveLength(1);
  });

  it('paused since - waits, nothing is started', async () => {
    hold(claimed({}, { pause: { by: 'role/op', reason: 'look' } }));
    ec2Shows(world.aws, 'stopped');
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 30 });
    expect(starts()).toBe(0);
  });
});

describe('admission', () => {
  it('closed brake and a free slot - the token is added at the revision that was read', async () => {
    hold(claimed({ step: 'awaiting-admission' }));
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 0 });
    const [put] = puts();
    expect(put?.Item?.['admitted']).toMatchObject({ [TOKEN]: { workspaceId: 'ws-1' } });
    expect(put?.ConditionExpression).toContain('revision = :revision');
    expect(updates()[0]?.ExpressionAttributeValues?.[':claim']).toMatchObject({ step: 'admitted' });
  });

  it('more deaths at once than the brake allows - it opens, with an event, and nobody is admitted', async () => {
    const deaths = ['a', 'b'].map((workspaceId) => ({ workspaceId, atMs: NOW_MS - 1000 }));
    hold(claimed({ step: 'awaiting-admission' }), [fleetItem({ deaths }), sizeItem(5)]);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(news()).toEqual(['brake.opened']);
    expect(updates()).toHaveLength(0);
  });
});
