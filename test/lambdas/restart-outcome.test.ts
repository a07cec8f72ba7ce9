import { describe, expect, it } from 'vitest';
import type { Claim } from '../../core/workspace.ts';
import { claimed, INSTANCE, LAUNCHED_MS, newBeat, TOKEN } from './claimed.ts';
import { ec2Shows, NOW_MS } from './mocked-aws.ts';
import { oneWorkspace } from './one-workspace.ts';

const world = oneWorkspace();
const { hold, settle, acts, news, counted, ended } = world;

describe('what an end leaves behind', () => {
  it('terminated - gone is kept with the workspace, so that no further claim is made', async () => {
    hold(claimed());
    ec2Shows(world.aws, 'terminated');
    await settle();
    expect(ended()[0]?.ExpressionAttributeValues).toMatchObject({
      ':gone': { verdictId: TOKEN, instanceId: INSTANCE, atMs: NOW_MS },
    });
    expect(counted()).toContain('WorkspaceGone');
  });

  it('never reaches running until its time is over - quarantined, with news of both', async () => {
    hold(claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 1, deadlineMs: NOW_MS - 1 }));
    ec2Shows(world.aws, 'pending');
    await settle();
    expect(news()).toEqual(['restart.failed', 'workspace.quarantined']);
    expect(counted()).toEqual(expect.arrayContaining(['RestartFailed', 'WorkspaceQuarantined']));
  });

  it('runs, but its agent is mute until its time is over - reported, and neither restarted nor quarantined', async () => {
    hold(claimed({ step: 'starting', attempt: 1, startedAtMs: NOW_MS - 9, deadlineMs: NOW_MS - 1 }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 9 });
    await settle();
    expect(news()).toEqual(['restart.failed']);
    expect(counted()).toContain('WorkspaceMute');
    expect(acts()).toBe(0);
  });

  it("an operator's order that failed - no quarantine: its workspace may be well", async () => {
    hold(claimed({ kind: 'operator', step: 'stop-recorded', deadlineMs: NOW_MS - 1 }));
    ec2Shows(world.aws, 'stopping');
    await settle();
    expect(news()).toEqual(['restart.failed']);
  });

  it('nothing was done - the restart does not count against the budget', async () => {
    const recentRestartsMs = [NOW_MS - 600_000, NOW_MS - 1000];
    hold(claimed({}, { desired: 'stopped', recentRestartsMs }));
    ec2Shows(world.aws, 'stopped');
    await settle();
    expect(ended()[0]?.ExpressionAttributeValues).toMatchObject({
      ':recentRestartsMs': [NOW_MS - 600_000],
    });
  });

  it('something was done - it counts', async () => {
    hold(claimed({ step: 'start-issued', attempt: 1 }, { recentRestartsMs: [NOW_MS - 1000] }));
    ec2Shows(world.aws, 'running', { launchTimeMs: LAUNCHED_MS });
    await settle();
    expect(ended()[0]?.UpdateExpression).not.toContain('recentRestartsMs');
  });

  it('stuck in stopping for more than ten minutes - paged, and waited for: no Stop is forced', async () => {
    hold(claimed({ kind: 'operator', step: 'stop-recorded', deadlineMs: NOW_MS + 290_000 }));
    ec2Shows(world.aws, 'stopping');
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(counted()).toEqual(['StuckStopping']);
  });
});

describe('how a restart is labelled', () => {
  const back = (claim: Partial<Claim>) =>
    claimed(
      { step: 'starting', attempt: 1, starts: 1, startedAtMs: NOW_MS - 5000, ...claim },
      { heartbeat: newBeat },
    );

  it.each([
    ['dead', undefined, 'RestartJustified'],
    ['silent', undefined, 'RestartJustified'],
    ['silent', 'boot-a', 'RestartUnjustified'],
    ['silent', 'boot-b', 'RestartJustified'],
    ['operator', 'boot-a', 'RestartJustified'],
  ] as const)('done, claimed by %s, heard after the verdict: %s - %s', async (kind, heardBootId, metric) => {
    hold(back({ kind, ...(heardBootId !== undefined && { heardBootId, heardAtMs: NOW_MS - 9000 }) }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 5000 });
    expect(await settle()).toEqual({ kind: 'done' });
    expect(counted()).toContain(metric);
  });
});
