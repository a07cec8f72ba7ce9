import { DescribeInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterEach, expect, it } from 'vitest';
import { admin, aWorkspace, bodyOf, ec2Calls, faults, noFaults, type TestWorkspace } from './fleet.ts';
import { inGroups, until } from './wait.ts';

const launchTimes = async (fleet: readonly TestWorkspace[]): Promise<Map<string, number>> => {
  const InstanceIds = fleet.map(({ instanceId }) => instanceId);
  const output = await admin.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
  const instances = (output.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
  return new Map(instances.map((it) => [it.InstanceId ?? '', it.LaunchTime?.getTime() ?? 0]));
};

afterEach(noFaults);

it('20 dead among 40, Start slow, answers lost, calls throttled - each dead one comes back by one effective Start, and no living one is touched', async () => {
  const fleet = await inGroups(Array.from({ length: 40 }), 10, () => aWorkspace());
  await inGroups(fleet, 10, (ws) => ws.untilSettled());
  const [dead, living] = [fleet.slice(0, 20), fleet.slice(20)];
  await admin.ec2.send(new StopInstancesCommand({ InstanceIds: dead.map((it) => it.instanceId) }));
  await until('all are stopped', async () => {
    const output = await admin.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: dead.map((it) => it.instanceId) }),
    );
    const states = (output.Reservations ?? [])
      .flatMap((it) => it.Instances ?? [])
      .map((it) => it.State?.Name);
    return states.length === 20 && states.every((state) => state === 'stopped') ? true : undefined;
  });
  const before = await launchTimes(fleet);
  const stopsBefore = await Promise.all(fleet.map((it) => ec2Calls('StopInstances', it.instanceId)));
  await faults({
    pendingSeconds: 20,
    loseAnswer: { StartInstances: 0.1, DescribeInstances: 0.1 },
    throttle: { StartInstances: 0.1, DescribeInstances: 0.1 },
  });

  // The proxy goes on reporting what it can't reach, as proxies do.
  const isBack = async (ws: TestWorkspace) => {
    const shown = await ws.show();
    return shown['claim'] === null && Number(shown['restartsLeft']) === 2;
  };
  let waiting = [...dead];
  await until(
    'all dead ones are back',
    async () => {
      await inGroups([...waiting, ...living.slice(0, 5)], 10, (ws) =>
        ws.report({ error: { kind: 'refused' } }),
      );
      const back = await inGroups(waiting, 10, isBack);
      waiting = waiting.filter((_, index) => back[index] !== true);
      return waiting.length === 0 ? true : undefined;
    },
    { deadlineMs: 240_000, everyMs: 4000, seen: () => `${waiting.length} are not` },
  );
  await noFaults();

  const after = await launchTimes(fleet);
  const stops = await Promise.all(fleet.map((it) => ec2Calls('StopInstances', it.instanceId)));
  // Without a Stop no instance can be started twice: a second Start of one that runs has no effect.
  expect(stops).toEqual(stopsBefore);
  for (const { instanceId } of dead)
    expect(after.get(instanceId)).toBeGreaterThan(before.get(instanceId) ?? 0);
  for (const { instanceId } of living) {
    expect(await ec2Calls('StartInstances', instanceId)).toBe(0);
    expect(after.get(instanceId)).toBe(before.get(instanceId));
  }
  for (const ws of living.slice(0, 5)) {
    await until(
      `${ws.workspaceId} is found alive`,
      async () => {
        const { verdict, reason } = bodyOf(await ws.report({ error: { kind: 'refused' } }));
        if (verdict === 'alive') return true;
        // The only excuse is a look that the faults spoiled, and which counts for a second for all who ask (S31).
        expect(['probe-inconclusive', 'probe-shared']).toContain(reason);
        return undefined;
      },
      { deadlineMs: 10_000, everyMs: 1000 },
    );
  }
}, 600_000);
