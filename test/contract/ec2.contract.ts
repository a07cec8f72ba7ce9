/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
import {
  DescribeInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type Instance,
} from '@aws-sdk/client-ec2';
import { expect } from 'vitest';
import { suite, type Bench } from './bench.ts';
import { refusalName } from './table-calls.ts';

const STRANGER = 'i-0aaaaaaaaaaaaaaaa';

function callsOn({ ec2, wait }: Bench) {
  const look = async (id: string): Promise<Instance | undefined> => {
    const output = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [id] }] }),
    );
    return output.Reservations?.flatMap(({ Instances = [] }) => Instances)[0];
  };
  return {
    look,
    start: async (id: string) => {
      const output = await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
      return output.StartingInstances?.[0];
    },
    stop: async (id: string) => {
      const output = await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
      return output.StoppingInstances?.[0];
    },
    terminate: async (id: string) => {
      const output = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
      return output.TerminatingInstances?.[0];
    },
    /** The instance, as soon as it is in that state. */
    until: async (id: string, state: string): Promise<Instance> => {
      for (let tries = 0; ; tries++) {
        const instance = await look(id);
        if (instance?.State?.Name === state) return instance;
        if (tries === 60) throw new Error(`${id} is ${instance?.State?.Name ?? 'absent'}, not ${state}`);
        await wait(0.25);
      }
    },
  };
}

export const instances = suite('ec2', 'instances', (say) => {
  say(
    'a new instance is pending, then running',
    async (bench) => {
      const { look, until } = callsOn(bench);
      const id = await bench.launch();
      expect((await look(id))?.State).toMatchObject({ Name: 'pending', Code: 0 });
      const running = await until(id, 'running');
      expect(running.State?.Code).toBe(16);
      expect(Math.abs((running.LaunchTime?.getTime() ?? 0) - bench.nowMs())).toBeLessThan(20_000);
      expect((running.LaunchTime?.getTime() ?? 1) % 1000).toBe(0);
    },
    { localstack: 'it has no states that pass: it changes at once' },
  );

  say(
    'a stop takes a while, and says when and by whom',
    async (bench) => {
      const { until, stop, look } = callsOn(bench);
      const id = await bench.launch();
      await until(id, 'running');
      const change = await stop(id);
      expect(change).toMatchObject({
        PreviousState: { Name: 'running' },
        CurrentState: { Name: 'stopping', Code: 64 },
      });
      expect((await look(id))?.State?.Name).toBe('stopping');
      const stopped = await until(id, 'stopped');
      expect(stopped.State?.Code).toBe(80);
      expect(stopped.StateReason?.Code).toBe('Client.UserInitiatedShutdown');
      expect(stopped.StateTransitionReason).toMatch(
        /^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (GMT|UTC)\)$/,
      );
    },
    { localstack: 'it has no states that pass: it changes at once' },
  );

  say(
    'a start gives a new launch time, and leaves the old reason behind',
    async (bench) => {
      const { until, stop, start } = callsOn(bench);
      const id = await bench.launch();
      const first = await until(id, 'running');
      await stop(id);
      await until(id, 'stopped');
      const change = await start(id);
      expect(change).toMatchObject({ PreviousState: { Name: 'stopped' }, CurrentState: { Name: 'pending' } });
      const second = await until(id, 'running');
      expect(second.LaunchTime?.getTime()).toBeGreaterThan(first.LaunchTime?.getTime() ?? Infinity);
      expect(second.StateReason?.Code).toBeUndefined();
    },
    { localstack: 'it changes at once, within the same second' },
  );

  say(
    'a start of a running instance does nothing, and says that it ran',
    async (bench) => {
      const { until, start, look } = callsOn(bench);
      const id = await bench.launch();
      const before = await until(id, 'running');
      await bench.wait(1.1);
      const change = await start(id);
      expect(change).toMatchObject({ PreviousState: { Name: 'running' }, CurrentState: { Name: 'running' } });
      expect((await look(id))?.LaunchTime).toEqual(before.LaunchTime);
    },
    { localstack: 'it says pending' },
  );

  say(
    'a start of a stopping instance is refused (E9)',
    async (bench) => {
      const { until, stop, start } = callsOn(bench);
      const id = await bench.launch();
      await until(id, 'running');
      await stop(id);
      expect(await refusalName(start(id))).toBe('IncorrectInstanceState');
    },
    { localstack: 'it has no states that pass: it changes at once' },
  );

  say(
    'a stop of a stopped instance does nothing',
    async (bench) => {
      const { until, stop } = callsOn(bench);
      const id = await bench.launch();
      await until(id, 'running');
      await stop(id);
      await until(id, 'stopped');
      expect(await stop(id)).toMatchObject({
        PreviousState: { Name: 'stopped' },
        CurrentState: { Name: 'stopped' },
      });
    },
    { localstack: 'it says stopping' },
  );

  say(
    'a terminated instance is still shown, and cannot be started or stopped (E22)',
    async (bench) => {
      const { until, terminate, start, stop } = callsOn(bench);
      const id = await bench.launch();
      await until(id, 'running');
      expect((await terminate(id))?.CurrentState?.Name).toMatch(/^(shutting-down|terminated)$/);
      expect((await until(id, 'terminated')).State?.Code).toBe(48);
      expect(await refusalName(start(id))).toBe('IncorrectInstanceState');
      expect(await refusalName(stop(id))).toBe('IncorrectInstanceState');
    },
    { localstack: 'it can be started again' },
  );

  say('a filter leaves out what is not there; naming it is refused', async ({ ec2, ...bench }) => {
    const id = await bench.launch();
    const output = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [id, STRANGER] }] }),
    );
    const found = output.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
    expect(found.map(({ InstanceId }) => InstanceId)).toEqual([id]);
    const named = ec2.send(new DescribeInstancesCommand({ InstanceIds: [id, STRANGER] }));
    expect(await refusalName(named)).toBe('InvalidInstanceID.NotFound');
  });

  say('a start or stop of what is not there is refused', async (bench) => {
    const { start, stop } = callsOn(bench);
    expect(await refusalName(start(STRANGER))).toBe('InvalidInstanceID.NotFound');
    expect(await refusalName(stop(STRANGER))).toBe('InvalidInstanceID.NotFound');
  });

  say('a dry run does nothing', async (bench) => {
    const { until, look } = callsOn(bench);
    const id = await bench.launch();
    await until(id, 'running');
    const dry = bench.ec2.send(new StopInstancesCommand({ InstanceIds: [id], DryRun: true }));
    expect(await refusalName(dry)).toBe('DryRunOperation');
    expect((await look(id))?.State?.Name).toBe('running');
  });

  say('tags and states are asked for by filter', async (bench) => {
    const value = `${bench.busName}-fleet`;
    const id = await bench.launch({ contract: value });
    await bench.launch({ contract: `${value}-other` });
    await callsOn(bench).until(id, 'running');
    const found = async (Name: string, Values: string[]) => {
      const Filters = [
        { Name: 'tag:contract', Values: [value] },
        { Name, Values },
      ];
      const output = await bench.ec2.send(new DescribeInstancesCommand({ Filters }));
      return output.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
    };
    const [instance] = await found('instance-state-name', ['running', 'stopped']);
    expect(instance).toMatchObject({ InstanceId: id, Tags: [{ Key: 'contract', Value: value }] });
    expect(await found('instance-state-name', ['terminated'])).toEqual([]);
  });
});
