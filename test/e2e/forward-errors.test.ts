import { afterEach, describe, expect, it } from 'vitest';
import {
  aRequest,
  aWorkspace,
  bodyOf,
  ec2Calls,
  faults,
  noFaults,
  stopFromOutside,
  untilInstanceIs,
} from './fleet.ts';
import { replayedReceipts } from './replay.ts';
import { sleep, until } from './wait.ts';

describe.concurrent('a silent agent', () => {
  it('gone from a running instance for longer than silentAfter - stopped once, started once, and heard again', async () => {
    const ws = await aWorkspace({ silentAfterSeconds: 30 });
    await ws.beat('boot-1', 1, { intervalSeconds: 1 });
    await ws.untilSettled();
    const early = await ws.report({ error: { kind: 'refused' }, request: aRequest('silent-0') });
    expect(['alive', 'busy']).toContain(bodyOf(early)['verdict']);
    await until('it has been silent for long', async () =>
      ((await ws.show())['heartbeat'] as { ageSeconds: number }).ageSeconds > 31 ? true : undefined,
    );
    const deadline = await ws.report({ error: { kind: 'deadline' } });
    expect(bodyOf(deadline)).toMatchObject({ verdict: 'alive' });
    await sleep(1100);
    const answer = await ws.report(
      { error: { kind: 'refused' }, request: aRequest('silent-1', { whenDead: 'park' }) },
      { prefer: 'wait=10' },
    );
    expect(answer).toMatchObject({
      status: 202,
      body: { verdict: 'dead', reason: 'silent', restarting: true },
    });
    await until('it was started', async () =>
      (await ec2Calls('StartInstances', ws.instanceId)) > 0 ? true : undefined,
    );
    await untilInstanceIs(ws.instanceId, 'running');
    await until('a beat of the new boot counts', async () =>
      (await ws.beat('boot-2', 1)).status === 204 ? true : undefined,
    );
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(1);
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
  });
});

describe.concurrent('a dead workspace', () => {
  it('many callers, one restart: 503 restarting, exactly one Start and no Stop, and parked requests come through', async () => {
    const ws = await aWorkspace();
    await ws.beat('boot-1', 1);
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    const stopsBefore = await ec2Calls('StopInstances', ws.instanceId);
    await until('its last beat is stale', async () =>
      ((await ws.show())['heartbeat'] as { fresh: boolean }).fresh ? undefined : true,
    );
    await sleep(1000);

    const first = ws.report(
      { error: { kind: 'refused' }, request: aRequest('dead-1') },
      { prefer: 'wait=10' },
    );
    await until('the first caller made it a suspect', async () =>
      (await ws.show())['lastVerdict'] === null ? undefined : true,
    );
    const [waiting, parked, ...others] = await Promise.all([
      first,
      ws.report({ error: { kind: 'refused' }, request: aRequest('dead-2', { whenDead: 'park' }) }),
      ...Array.from({ length: 8 }, (_, i) =>
        ws.report({ error: { kind: 'reset' }, request: aRequest(`dead-x${i}`) }),
      ),
    ]);
    expect(waiting).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    expect(waiting.body).toMatchObject({ verdict: 'dead', code: 'dead', restarting: true });
    expect(others.map((answer) => answer.status)).toEqual(Array(8).fill(202));

    await untilInstanceIs(ws.instanceId, 'running');
    expect((await ws.beat('boot-1', 2)).status).toBe(409);
    expect((await ws.beat('boot-2', 1)).status).toBe(204);
    await until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
    await ws.untilRequestIs(bodyOf(parked)['requestId'], 'delivered');
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(stopsBefore);
    expect(await ws.show()).toMatchObject({ restartsLeft: 2, heartbeat: { bootId: 'boot-2' } });
  });

  it('nobody calls any more, but a request waits - deliver finds it, and it is restarted', async () => {
    const ws = await aWorkspace();
    await ws.beat('boot-1', 1);
    const answer = await ws.report({ error: { kind: 'deadline' }, request: aRequest('alone-1') });
    // Parked while settling: delivered at once, since the agent has beaten. The next one waits for a busy agent.
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
    await ws.untilSettled();
    await ws.beat('boot-1', 2, { activeTasks: 1 });
    await faults({ probe: { [ws.instanceId]: ['stopped'] } });
    const waiting = await ws.report({ error: { kind: 'refused' }, request: aRequest('alone-2') });
    expect(waiting).toMatchObject({ status: 202, body: { reason: 'heartbeat-fresh' } });
    await stopFromOutside(ws.instanceId);
    await untilInstanceIs(ws.instanceId, 'running');
    await ws.beat('boot-2', 1);
    await ws.untilRequestIs(bodyOf(waiting)['requestId'], 'delivered');
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
  });

  it('its instance is terminated - 503 gone, and it is never started', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await faults({ probe: { [ws.instanceId]: 'terminated' } });
    const answer = await ws.report(
      { error: { kind: 'refused' }, request: aRequest('gone-1') },
      { prefer: 'wait=10' },
    );
    expect(answer).toMatchObject({ status: 503, body: { verdict: 'dead', code: 'gone', restarting: false } });
    await until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(0);
  });
});

describe.concurrent('a suspect', () => {
  it('stale, one false probe, true 2 s later - alive after two probes, and the held request is ended by the verdict', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await faults({ probe: { [ws.instanceId]: ['stopped', 'running'] } });
    const probesBefore = await ec2Calls('DescribeInstances', ws.instanceId);
    const answer = await ws.report({ error: { kind: 'eof' }, request: aRequest('flake-1') });
    expect(answer).toMatchObject({ status: 202, body: { verdict: 'pending', code: 'pending' } });
    expect(await ws.finalVerdict(bodyOf(answer)['verdictId'])).toMatchObject({
      verdict: 'alive',
      reason: 'running',
    });
    expect(await ec2Calls('DescribeInstances', ws.instanceId)).toBe(probesBefore + 2);
    expect(await ws.untilRequestIs(bodyOf(answer)['requestId'], 'refused')).toMatchObject({
      why: 'agent-restarting',
    });
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(0);
  });
});

describe.concurrent('a beating workspace', () => {
  it('one false probe 0.7 s after a beat - busy, heartbeat-fresh, after exactly one probe; nothing is restarted', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    // With a task in hand, so that deliver does not read the address meanwhile: that is a DescribeInstances too.
    await ws.beat('boot-1', 1, { activeTasks: 1 });
    await sleep(700);
    await faults({ probe: { [ws.instanceId]: ['stopped'] } });
    const probesBefore = await ec2Calls('DescribeInstances', ws.instanceId);
    const answer = await ws.report({ error: { kind: 'eof' }, request: aRequest('beat-1') });
    expect(answer).toMatchObject({ status: 202, body: { verdict: 'busy', reason: 'heartbeat-fresh' } });
    expect(await ec2Calls('DescribeInstances', ws.instanceId)).toBe(probesBefore + 1);
    await ws.beat('boot-1', 2);
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(0);
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(0);
  });

  it('its agent refuses while the instance runs - 503 agent-restarting, nothing is parked', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    const answer = await ws.report({ error: { kind: 'refused' }, request: aRequest('up-1') });
    expect(answer).toMatchObject({ status: 503, body: { verdict: 'alive', code: 'agent-restarting' } });
    expect(await ws.show()).toMatchObject({
      parked: 0,
      lastVerdict: { verdict: 'alive', reason: 'running' },
    });
  });
});

describe.concurrent('a workspace that just started', () => {
  it('settles: busy without a probe, the request is parked, and delivered as soon as the agent beats', async () => {
    const ws = await aWorkspace({ settleSeconds: 60 });
    const probesBefore = await ec2Calls('DescribeInstances', ws.instanceId);
    const answer = await ws.report({ error: { kind: 'refused' }, request: aRequest('settle-1') });
    expect(answer).toMatchObject({
      status: 202,
      body: { verdict: 'busy', reason: 'settling', code: 'parked', position: 1 },
    });
    expect(answer.headers['location']).toBe(`/requests/${String(bodyOf(answer)['requestId'])}`);
    expect(await ec2Calls('DescribeInstances', ws.instanceId)).toBe(probesBefore);
    await ws.beat('boot-1', 1);
    const ended = await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
    expect(ended).toMatchObject({
      attempts: 1,
      response: { status: 200, body: Buffer.from('done').toString('base64') },
    });
    expect(ws.agent.served).toMatchObject([
      {
        method: 'POST',
        path: '/a2a?x=1',
        body: 'hello settle-1',
        headers: { 'idempotency-key': 'settle-1', 'defib-attempt': '1' },
      },
    ]);
  });
});

describe.concurrent('a repeat', () => {
  it('the same request id with the same body - the first answer; with another body - 409', async () => {
    const ws = await aWorkspace({ settleSeconds: 60 });
    const report = { error: { kind: 'refused' }, request: aRequest('same') };
    const first = await ws.report(report);
    const again = await ws.report(report);
    expect(again.body).toEqual(first.body);
    const other = await ws.report({
      error: { kind: 'refused' },
      request: aRequest('same', { path: '/other' }),
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
    expect(await ws.show()).toMatchObject({ parked: 1 });
  });
});

describe('EC2 as a whole', () => {
  // These faults hit every instance, so no other test may be about.
  afterEach(noFaults);

  it('fails every probe - busy each time, never a restart', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await faults({ fail: { DescribeInstances: 1 } });
    for (let i = 0; i < 3; i++) {
      const answer = await ws.report({ error: { kind: 'refused' } });
      expect(answer).toMatchObject({ status: 503, body: { verdict: 'busy' } });
      await sleep(1100);
    }
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(0);
  });

  it('loses the answer of a Start - the restart goes on from what is seen, with one effective Start', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    await faults({ loseAnswer: { StartInstances: 1 } });
    const answer = await ws.report(
      { error: { kind: 'refused' }, request: aRequest('lost-1', { whenDead: 'park' }) },
      { prefer: 'wait=10' },
    );
    expect(answer).toMatchObject({
      status: 202,
      body: { verdict: 'dead', code: 'parked', restarting: true },
    });
    await untilInstanceIs(ws.instanceId, 'running');
    await until('a beat of the new boot counts', async () =>
      (await ws.beat('boot-2', 1)).status === 204 ? true : undefined,
    );
    await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
    await until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
  });
});

describe('what the verdicts have left behind', () => {
  it('receipts of each kind, and every look of every one of them is judged the same once more', async () => {
    const receipts = await replayedReceipts();
    const verdicts = new Set(receipts.map(({ verdict }) => verdict));
    expect([...verdicts]).toEqual(expect.arrayContaining(['alive', 'busy', 'dead']));
    const asked = new Set(receipts.flatMap(({ looks }) => looks.map(({ facts }) => facts.asker)));
    expect([...asked].sort()).toEqual(['caller', 'reprobe']);
  });
});
