/** EC2 as it is, and how it answers: late, odd, not at all. Instances change their state by themselves, in time. */
import type { Instance } from '@aws-sdk/client-ec2';
import type { InstanceState } from '../../core/workspace.ts';
import { workspaceTag } from './functions.ts';
import type { Invocation } from './invocation.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Command } from './sdk.ts';
import type { Weights } from './swarm.ts';
import type { Sight } from './truth.ts';

interface Shown {
  readonly sinceMs: number;
  readonly state: InstanceState;
  readonly launchTimeMs: number;
  readonly reason: string | undefined;
}

interface Running {
  readonly machine: Machine;
  readonly address: string;
  launchTimeMs: number;
  state: InstanceState;
  reason: string | undefined;
  reasonText: string;
  /** Each state that it ever was in, oldest first. */
  readonly past: Shown[];
  /** Number of the change that is under way: an older one comes to nothing. */
  change: number;
}

export interface Ec2World {
  readonly random: Random;
  readonly time: Scheduler;
  readonly weights: Weights;
  readonly isCalm: boolean;
  readonly oracles: {
    acts(act: 'start' | 'stop', instanceId: string, invocation: Invocation): void;
  };
  readonly truth: { saw(instanceId: string, sight: Sight): void };
  seen(what: string): void;
}

const STALE_AT_MOST_MS = 30_000;

export class SimulatedFleet {
  readonly #world: Ec2World;
  readonly #instances = new Map<string, Running>();
  readonly #byAddress = new Map<string, Machine>();

  constructor(world: Ec2World) {
    this.#world = world;
  }

  add(machine: Machine): void {
    const number = this.#instances.size + 1;
    const address = `10.0.${number >> 8}.${number & 255}`;
    const instance: Running = {
      machine,
      address,
      launchTimeMs: this.#world.time.nowMs(),
      state: 'pending',
      reason: undefined,
      reasonText: '',
      past: [],
      change: 0,
    };
    this.#instances.set(machine.instanceId, instance);
    this.#byAddress.set(address, machine);
    this.#becomes(instance, 'pending');
    this.#later(instance, 'running', 5000, 30_000);
  }

  /** Who is at an address. */
  at(address: string): Machine | undefined {
    return this.#byAddress.get(address);
  }

  launchTimeOf(instanceId: string): number | undefined {
    return this.#instances.get(instanceId)?.launchTimeMs;
  }

  stateOf(instanceId: string): InstanceState | undefined {
    return this.#instances.get(instanceId)?.state;
  }

  start(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance?.state === 'stopped') this.#start(instance);
  }

  stop(instanceId: string, by: 'person' | 'itself'): void {
    const instance = this.#instances.get(instanceId);
    if (instance?.state !== 'running' && instance?.state !== 'pending') return;
    this.#stop(instance, by === 'person' ? 'Client.UserInitiatedShutdown' : 'Client.InstanceInitiatedShutdown');
  }

  terminate(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (!instance || instance.state === 'terminated') return;
    this.#becomes(instance, 'shutting-down');
    this.#later(instance, 'terminated', 1000, 40_000);
  }

  /** What is stuck gets loose. */
  heal(): void {
    for (const instance of this.#instances.values())
      if (instance.state === 'stopping') this.#later(instance, 'stopped', 1000, 30_000);
  }

  /** Describe, Start and Stop, as a function calls them. */
  run(command: Command, invocation: Invocation): object {
    const input = command.input as { InstanceIds?: string[]; Filters?: { Values?: string[] }[] };
    const ids = input.Filters?.[0]?.Values ?? input.InstanceIds ?? [];
    switch (command.constructor.name) {
      case 'DescribeInstancesCommand': {
        const instances = ids.flatMap((id) => this.#described(id, invocation));
        return { Reservations: instances.map((one) => ({ Instances: [one] })), $metadata: {} };
      }
      case 'StartInstancesCommand':
        return { StartingInstances: ids.map((id) => this.#act('start', id, invocation)), $metadata: {} };
      case 'StopInstancesCommand':
        return { StoppingInstances: ids.map((id) => this.#act('stop', id, invocation)), $metadata: {} };
      default:
        throw new Error(`not understood: ${command.constructor.name}`);
    }
  }

  #act(act: 'start' | 'stop', instanceId: string, invocation: Invocation): object {
    const { random, weights, isCalm, oracles } = this.#world;
    const instance = this.#instances.get(instanceId);
    if (!instance) throw named('InvalidInstanceID.NotFound');
    const refusal = isCalm ? undefined : this.#refusalOf(act);
    if (refusal !== undefined) throw named(refusal);
    const before = instance.state;
    const wanted = act === 'start' ? ['stopped', 'running', 'pending'] : ['running', 'pending', 'stopped', 'stopping'];
    if (!wanted.includes(before)) throw named('IncorrectInstanceState');
    oracles.acts(act, instanceId, invocation);
    if (act === 'start' && before === 'stopped') {
      this.#start(instance);
      if (!isCalm && random.chance(weights.fallsBack)) {
        this.#world.seen('fallsBack');
        instance.change += 1;
        this.#later(instance, 'stopped', 1000, 20_000, 'Client.InternalError');
      }
    }
    if (act === 'stop' && (before === 'running' || before === 'pending'))
      this.#stop(instance, 'Client.UserInitiatedShutdown');
    return { InstanceId: instanceId, PreviousState: { Name: before }, CurrentState: { Name: instance.state } };
  }

  #refusalOf(act: 'start' | 'stop'): string | undefined {
    const { random, weights } = this.#world;
    const refuse = (fault: 'noCapacity' | 'actThrottled' | 'actDenied', name: string): string | undefined => {
      if (!random.chance(weights[fault])) return undefined;
      this.#world.seen(fault);
      return name;
    };
    return (
      (act === 'start' ? refuse('noCapacity', 'InsufficientInstanceCapacity') : undefined) ??
      refuse('actThrottled', 'RequestLimitExceeded') ??
      refuse('actDenied', random.pick(['UnauthorizedOperation', 'OperationNotPermitted']))
    );
  }

  #start(instance: Running): void {
    instance.launchTimeMs = this.#world.time.nowMs();
    instance.reason = undefined;
    this.#becomes(instance, 'pending');
    this.#later(instance, 'running', 3000, 40_000);
  }

  #stop(instance: Running, reason: string): void {
    const { random, weights, isCalm } = this.#world;
    instance.reason = reason;
    const at = new Date(this.#world.time.nowMs()).toISOString().replace('T', ' ').slice(0, 19);
    instance.reasonText = `User initiated (${at} GMT)`;
    this.#becomes(instance, 'stopping');
    if (!isCalm && random.chance(weights.stuck)) {
      this.#world.seen('stuck');
      this.#later(instance, 'stopped', 300_000, 1_500_000);
    } else this.#later(instance, 'stopped', 2000, 60_000);
  }

  #later(instance: Running, state: InstanceState, least: number, most: number, reason?: string): void {
    const change = (instance.change += 1);
    this.#world.time.after(this.#world.random.between(least, most), () => {
      if (instance.change !== change) return;
      if (reason !== undefined) instance.reason = reason;
      this.#becomes(instance, state);
    });
  }

  #becomes(instance: Running, state: InstanceState): void {
    instance.state = state;
    if (state === 'stopping' || state === 'shutting-down' || state === 'pending') instance.change += 1;
    const { launchTimeMs, reason } = instance;
    instance.past.push({ sinceMs: this.#world.time.nowMs(), state, launchTimeMs, reason });
    instance.machine.becomes(state);
  }

  #described(instanceId: string, { name }: Invocation): Instance[] {
    const instance = this.#instances.get(instanceId);
    const { random, weights, isCalm, truth } = this.#world;
    const atMs = this.#world.time.nowMs();
    const is = (fault: 'staleProbe' | 'absentProbe' | 'falseStopped' | 'oddProbe'): boolean => {
      if (isCalm || !random.chance(weights[fault])) return false;
      this.#world.seen(fault);
      return true;
    };
    if (!instance || is('absentProbe')) return [];
    let shown = instance.past.at(-1);
    if (is('staleProbe')) {
      const asOfMs = atMs - random.between(100, STALE_AT_MOST_MS);
      shown = instance.past.findLast(({ sinceMs }) => sinceMs <= asOfMs) ?? shown;
    }
    if (!shown) return [];
    const state = shown.state === 'running' && is('falseStopped') ? 'stopped' : shown.state;
    const isOdd = is('oddProbe');
    const word = isOdd && random.chance(0.5) ? 'rebooting' : state;
    const { launchTimeMs } = shown;
    truth.saw(instanceId, { atMs, fn: name, state: word === 'rebooting' ? 'unknown' : state, launchTimeMs });
    return [
      {
        InstanceId: instanceId,
        State: { Name: word as 'running' },
        PrivateIpAddress: instance.address,
        ...(!(isOdd && word === state) && { LaunchTime: new Date(launchTimeMs) }),
        ...(shown.reason !== undefined && {
          StateReason: { Code: shown.reason },
          StateTransitionReason: instance.reasonText,
        }),
        Tags: [workspaceTag],
        ImageId: 'ami-1',
        Placement: { AvailabilityZone: 'a' },
      },
    ];
  }
}

function named(name: string): Error {
  const error = new Error(name);
  error.name = name;
  return error;
}
