/** What an operator decides of restarts, through the public API: observed only, waited for a yes, quarantined and released. */
import { describe, expect, it } from 'vitest';
import {
  as,
  aWorkspace,
  bodyOf,
  ec2Calls,
  stopFromOutside,
  untilInstanceIs,
  type Body,
  type TestWorkspace,
} from './fleet.ts';
import { until } from './wait.ts';

const starts = (ws: TestWorkspace) => ec2Calls('StartInstances', ws.instanceId);
const untilStarted = (ws: TestWorkspace, times = 1) =>
  until(`${ws.workspaceId} was started`, async () => ((await starts(ws)) >= times ? true : undefined));
const untilClaimEnds = (ws: TestWorkspace) =>
  until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
/** The verdict on a workspace whose instance is stopped, once it is final. */
const condemned = async (ws: TestWorkspace): Promise<Body> => {
  const answer = await ws.report({ error: { kind: 'refused' } });
  return ws.finalVerdict(bodyOf(answer)['verdictId']);
};
const operate = async (method: 'POST', path: string, body?: Body) =>
  (await as('operator')).call(method, path, body);

describe.concurrent('modes of a workspace', () => {
  it('observe - the verdict is dead, what would have been done is told, and nothing is done, however often it is asked', async () => {
    const ws = await aWorkspace({ mode: 'observe' });
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    expect(await condemned(ws)).toMatchObject({ verdict: 'dead', reason: 'stopped', act: 'withheld' });
    expect(await condemned(ws)).toMatchObject({ verdict: 'dead', act: 'withheld' });
    expect(await ws.show()).toMatchObject({ claim: null, restartsLeft: 3 });
    expect(await starts(ws)).toBe(0);
    // A person's own order is carried out all the same.
    const path = `/workspaces/${ws.workspaceId}/restart`;
    expect(await operate('POST', path, { reason: 'by hand' })).toMatchObject({ status: 202 });
    await untilStarted(ws);
  });

  it('approve - the restart waits for a yes, is not made without it, and is made once with it', async () => {
    const ws = await aWorkspace({ mode: 'approve' });
    await ws.untilSettled();
    const path = `/workspaces/${ws.workspaceId}/restart/approve`;
    expect(await operate('POST', path)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await stopFromOutside(ws.instanceId);
    expect(await condemned(ws)).toMatchObject({ verdict: 'dead', act: 'awaits-approval' });
    expect(await ws.show()).toMatchObject({ claim: { step: 'awaiting-approval' } });
    expect(await ws.report({ error: { kind: 'refused' } })).toMatchObject({ body: { reason: 'restarting' } });
    expect(await starts(ws)).toBe(0);
    expect(await operate('POST', path, { reason: 'looks right' })).toMatchObject({
      status: 202,
      body: { claim: { step: 'awaiting-admission' } },
    });
    await untilStarted(ws);
    expect(await operate('POST', path)).toMatchObject({ status: 409 });
    await untilInstanceIs(ws.instanceId, 'running');
    await untilClaimEnds(ws);
    expect(await starts(ws)).toBe(1);
  });

  it('a softer step first - a silent agent is asked for by an event, comes back by itself, and its instance is left alone', async () => {
    const ws = await aWorkspace({ silentAfterSeconds: 30, softRestartSeconds: 60 });
    await ws.beat('boot-1', 1, { intervalSeconds: 1 });
    await ws.untilSettled();
    await until(
      'its silence is evidence',
      async () => ((await condemned(ws))['verdict'] === 'dead' ? true : undefined),
      { everyMs: 2000 },
    );
    // It beats as an agent does that was restarted: refused as long as the claim is open, but heard.
    await until(
      'the claim has ended',
      async () => {
        await ws.beat('boot-2', 1, { intervalSeconds: 1 });
        return (await ws.show())['claim'] === null ? true : undefined;
      },
      { everyMs: 1000 },
    );
    await until('the new boot counts', async () =>
      (await ws.beat('boot-2', 2, { intervalSeconds: 1 })).status === 204 ? true : undefined,
    );
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(0);
    expect(await starts(ws)).toBe(0);
  });

  it('quarantine - no budget is left, so it is not restarted; a release gives the budget back, and it is', async () => {
    const ws = await aWorkspace({ restartsPerWindow: 1 });
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    expect(await condemned(ws)).toMatchObject({ verdict: 'dead', act: 'restart' });
    await untilStarted(ws);
    await untilInstanceIs(ws.instanceId, 'running');
    await untilClaimEnds(ws);
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    expect(await condemned(ws)).toMatchObject({ verdict: 'busy', reason: 'restart-budget-spent' });
    expect(await ws.show()).toMatchObject({ restartsLeft: 0, claim: null });
    expect((await ws.show())['quarantine']).toMatchObject({ because: 'restart-budget-spent' });
    expect(await condemned(ws)).toMatchObject({ verdict: 'busy', reason: 'quarantined' });
    const restart = `/workspaces/${ws.workspaceId}/restart`;
    expect(await operate('POST', restart, { reason: 'please' })).toMatchObject({
      status: 409,
      body: { code: 'quarantined' },
    });
    expect(await starts(ws)).toBe(1);
    const released = await operate('POST', `/workspaces/${ws.workspaceId}/quarantine/release`, {
      reason: 'mended',
    });
    expect(released).toMatchObject({ status: 200, body: { quarantine: null, restartsLeft: 1 } });
    expect(await condemned(ws)).toMatchObject({ verdict: 'dead', act: 'restart' });
    await untilStarted(ws, 2);
    await untilInstanceIs(ws.instanceId, 'running');
    await untilClaimEnds(ws);
    expect(await starts(ws)).toBe(2);
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(2);
  });
});
