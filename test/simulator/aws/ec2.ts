/**
 * EC2, simulated below the client's `send(command)`. It is synchronous inside and keeps no clock; what may go one way
 * or the other is asked of the options. What it does not understand throws.
 */
import {
  DescribeInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type DescribeInstancesCommandInput,
  type EC2Client,
  type Filter,
  type Instance as SdkInstance,
} from '@aws-sdk/client-ec2';
import { checkNoMore, simulated, type Simulated } from './client.ts';
import { ec2Error, noSuchInstance } from './ec2/errors.ts';
import { Fleet, type FleetOptions } from './ec2/fleet.ts';
import { shownAt, stateCodes, type Instance, type Shown, type State } from './ec2/instance.ts';

export type { Instance, InstanceSpec, State } from './ec2/instance.ts';
export { Fleet, type Durations } from './ec2/fleet.ts';

export type Action = 'DescribeInstances' | 'StartInstances' | 'StopInstances' | 'TerminateInstances';

export interface Ec2Options extends FleetOptions {
  /** The code with which a call is refused before anything is done; asked once a call. @default none */
  readonly refuses?: (action: Action, ids: readonly string[]) => string | undefined;
  /** How old the state is that Describe shows of an instance, in ms. @default none */
  readonly showsAgeMs?: (id: string) => number;
  /** Whether Describe leaves an instance out that is there. @default never */
  readonly hides?: (id: string) => boolean;
}

export interface SimulatedEc2 extends Simulated<EC2Client> {
  /** The truth, and the levers of whoever plays fate. */
  readonly fleet: Fleet;
  /** When the next change of a state comes by itself. */
  nextEventMs(): number | undefined;
}

export function simulatedEc2(options: Ec2Options): SimulatedEc2 {
  const fleet = new Fleet(options);
  const run = (command: object): object => {
    const act = acts.get(command.constructor);
    if (!act) throw new Error(`not understood: ${command.constructor.name}`);
    return {
      ...act(fleet, (command as { input: never }).input, options),
      $metadata: { httpStatusCode: 200 },
    };
  };
  return { ...simulated<EC2Client>(run), fleet, nextEventMs: () => fleet.nextChangeAtMs() };
}

function describe(fleet: Fleet, input: DescribeInstancesCommandInput, options: Ec2Options): object {
  const { InstanceIds: ids = [], Filters: filters = [], ...rest } = input;
  checkNoMore(rest);
  refuse(options, 'DescribeInstances', ids);
  const nowMs = options.nowMs();
  const seen = fleet.all().flatMap((instance): [Instance, Shown][] => {
    const { id } = instance.spec;
    const shown = shownAt(instance, nowMs - (options.showsAgeMs?.(id) ?? 0));
    return shown && options.hides?.(id) !== true ? [[instance, shown]] : [];
  });
  const missing = ids.find((id) => !seen.some(([{ spec }]) => spec.id === id));
  if (missing !== undefined) throw noSuchInstance(missing);
  const wanted = seen.filter(
    ([instance, shown]) =>
      (ids.length === 0 || ids.includes(instance.spec.id)) &&
      filters.every((filter) => fits(filter, instance, shown)),
  );
  const Instances = wanted.map(([instance, shown]) => sdkInstance(instance, shown));
  return { Reservations: Instances.map((instance) => ({ Instances: [instance] })) };
}

function fits({ Name: name = '', Values: values = [] }: Filter, instance: Instance, shown: Shown): boolean {
  if (name === 'instance-id') return values.includes(instance.spec.id);
  if (name === 'instance-state-name') return values.includes(shown.state);
  if (name.startsWith('tag:')) return values.includes(instance.tags[name.slice(4)] ?? '');
  throw new Error(`not understood: the filter ${name}`);
}

function sdkInstance({ spec, tags }: Instance, shown: Shown): SdkInstance {
  return {
    InstanceId: spec.id,
    State: { Code: stateCodes[shown.state], Name: shown.state },
    LaunchTime: new Date(shown.launchTimeMs),
    StateTransitionReason: shown.transitionReason,
    ...(shown.stateReason && {
      StateReason: { Code: shown.stateReason.code, Message: shown.stateReason.message },
    }),
    ...(spec.privateIp !== undefined && shown.state !== 'terminated' && { PrivateIpAddress: spec.privateIp }),
    ...(shown.publicIp !== undefined && { PublicIpAddress: shown.publicIp }),
    ...(spec.imageId !== undefined && { ImageId: spec.imageId }),
    ...(spec.instanceType !== undefined && { InstanceType: spec.instanceType as 't3.micro' }),
    ...(spec.zone !== undefined && { Placement: { AvailabilityZone: spec.zone } }),
    ...(spec.subnetId !== undefined && { SubnetId: spec.subnetId }),
    ...(spec.keyName !== undefined && { KeyName: spec.keyName }),
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

interface PowerInput {
  readonly InstanceIds: string[] | undefined;
  readonly DryRun?: boolean;
}

/** Start, Stop or Terminate: all of the instances, or none. */
function power(action: Action, name: string, act: (fleet: Fleet, id: string) => State) {
  return (fleet: Fleet, input: PowerInput, options: Ec2Options): object => {
    const { InstanceIds: ids = [], DryRun, ...rest } = input;
    checkNoMore(rest);
    // One instance a call, so that half a call needs no rule.
    if (ids.length !== 1) throw new Error('not understood: other than one instance in a call');
    refuse(options, action, ids);
    if (DryRun === true)
      throw ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
    const changes = ids.map((id) => {
      const before = act(fleet, id);
      const after = fleet.get(id).now.state;
      return {
        InstanceId: id,
        PreviousState: { Code: stateCodes[before], Name: before },
        CurrentState: { Code: stateCodes[after], Name: after },
      };
    });
    return { [name]: changes };
  };
}

function refuse(options: Ec2Options, action: Action, ids: readonly string[]): void {
  const code = options.refuses?.(action, ids);
  if (code !== undefined) throw ec2Error(code);
}

const acts = new Map<unknown, (fleet: Fleet, input: never, options: Ec2Options) => object>([
  [DescribeInstancesCommand, describe],
  [StartInstancesCommand, power('StartInstances', 'StartingInstances', (fleet, id) => fleet.start(id))],
  [StopInstancesCommand, power('StopInstances', 'StoppingInstances', (fleet, id) => fleet.stop(id))],
  [
    TerminateInstancesCommand,
    power('TerminateInstances', 'TerminatingInstances', (fleet, id) => fleet.terminate(id)),
  ],
]);
