/** EC2 as it is, and how it answers a function: late, odd, refusing, or not at all. */
import type { DescribeInstancesCommandOutput, Instance } from '@aws-sdk/client-ec2';
import { isInstanceState } from '../../core/facts.ts';
import type { InstanceState } from '../../core/workspace.ts';
import { simulatedEc2, type SimulatedEc2 } from './aws/ec2.ts';
import { workspaceTag } from './functions.ts';
import type { Invocation } from './invocation.ts';
import type { Machine } from './machine.ts';
import { Stranger } from './stranger.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Command } from './sdk.ts';
import type { Act } from './oracles/acts.ts';
import type { FaultName, Weights } from './swarm.ts';
import type { Sight } from './truth.ts';

export interface Ec2World {
  readonly random: Random;
  readonly time: Scheduler;
  readonly weights: Weights;
  readonly isCalm: boolean;
  readonly oracles: {
    acts(act: Act, invocation: Invocation): void;
    looked(ids: readonly string[], invocation: Invocation): void;
    saw(workspaceId: string, sight: Sight): void;
    started(instanceId: string, refusal: string | undefined, invocation: Invocation): void;
  };
  readonly truth: { saw(instanceId: string, sight: Sight): void };
  seen(what: string): void;
}

const STALE_AT_MOST_MS = 30_000;

/** An account of its own for each instance, so that what one costs does not grow with the number of the others. */
interface Kept {
  readonly machine: Machine;
  readonly ec2: SimulatedEc2;
  readonly privateIp: string;
  fallsBack: boolean;
}

export class SimulatedFleet {
  readonly #world: Ec2World;
  readonly #kept = new Map<string, Kept>();
  readonly #byAddress = new Map<string, Machine | Stranger>();

  constructor(world: Ec2World) {
    this.#world = world;
  }

  add(machine: Machine): void {
    const { random } = this.#world;
    const number = this.#kept.size + 1;
    const privateIp = `10.0.${number >> 8}.${number & 255}`;
    const ec2 = simulatedEc2({
      nowMs: () => this.#world.time.nowMs(),
      keptMs: STALE_AT_MOST_MS + 1000,
      durations: {
        pendingMs: () => random.between(3000, 40_000),
        stoppingMs: () => (this.#has('stuck') ? Infinity : random.between(2000, 60_000)),
        shuttingDownMs: () => random.between(1000, 40_000),
      },
      showsAgeMs: () => (this.#has('staleProbe') ? random.between(100, STALE_AT_MOST_MS) : 0),
      hides: () => this.#has('absentProbe'),
      refuses: (action) => (action === 'DescribeInstances' ? undefined : this.#refusalOf(action)),
      onState: (id, state) => {
        this.#changed(id, state);
      },
    });
    this.#kept.set(machine.instanceId, { machine, ec2, privateIp, fallsBack: false });
    this.#byAddress.set(privateIp, machine);
    ec2.fleet.launch({
      id: machine.instanceId,
      privateIp,
      tags: { [workspaceTag.Key]: workspaceTag.Value },
      imageId: 'ami-1',
      zone: number % 2 === 0 ? 'a' : 'b',
    });
  }

  /** Who is at an address. */
  at(address: string): Machine | Stranger | undefined {
    return this.#byAddress.get(address);
  }

  launchTimeOf(instanceId: string): number | undefined {
    return this.#nowOf(instanceId)?.launchTimeMs;
  }

  stateOf(instanceId: string): InstanceState | undefined {
    return this.#nowOf(instanceId)?.state;
  }

  /** Somebody starts it by the console. */
  start(instanceId: string): void {
    if (this.stateOf(instanceId) === 'stopped') this.#kept.get(instanceId)?.ec2.fleet.start(instanceId);
  }

  stop(instanceId: string, by: 'person' | 'itself'): void {
    const state = this.stateOf(instanceId);
    if (state !== 'running' && state !== 'pending') return;
    const fleet = this.#kept.get(instanceId)?.ec2.fleet;
    if (by === 'person') fleet?.stop(instanceId);
    else fleet?.fall(instanceId, 'Client.InstanceInitiatedShutdown');
  }

  terminate(instanceId: string): void {
    if (this.stateOf(instanceId) !== undefined) this.#kept.get(instanceId)?.ec2.fleet.terminate(instanceId);
  }

  /** What is stuck gets loose. */
  heal(): void {
    for (const [id, { ec2 }] of this.#kept) {
      if (this.stateOf(id) === undefined) continue;
      ec2.fleet.release(id, this.#world.random.between(1000, 30_000));
      this.#wake(ec2);
    }
  }

  /** Describe, Start and Stop, as a function calls them. */
  run(command: Command, invocation: Invocation): object {
    const input = command.input as { InstanceIds?: string[]; Filters?: { Values?: string[] }[] };
    const name = command.constructor.name;
    if (name === 'DescribeInstancesCommand') {
      const ids = input.Filters?.[0]?.Values ?? [];
      this.#world.oracles.looked(ids, invocation);
      const found = ids.flatMap((id) => this.#described(id, command, invocation));
      return { Reservations: [{ Instances: found }], $metadata: {} };
    }
    const [id = ''] = input.InstanceIds ?? [];
    const kept = this.#kept.get(id);
    if (!kept) throw new Error(`not understood: an act on ${id}`);
    const act = name === 'StartInstancesCommand' ? 'start' : 'stop';
    const before = this.stateOf(id);
    kept.fallsBack = act === 'start' && before === 'stopped' && this.#has('fallsBack');
    const wasAlive = kept.machine.isAlive;
    const output = this.#carriedOut(act, kept, command, invocation);
    this.#world.oracles.acts({ act, instanceId: id, before: before ?? 'terminated', wasAlive }, invocation);
    return output;
  }

  #carriedOut(act: Act['act'], { ec2, machine }: Kept, command: Command, invocation: Invocation): object {
    if (act === 'stop') return ec2.run(command);
    try {
      const output = ec2.run(command);
      this.#world.oracles.started(machine.instanceId, undefined, invocation);
      return output;
    } catch (error) {
      this.#world.oracles.started(machine.instanceId, (error as Error).name, invocation);
      throw error;
    }
  }

  #described(id: string, command: Command, invocation: Invocation): Instance[] {
    const output = this.#kept.get(id)?.ec2.run(command) as DescribeInstancesCommandOutput | undefined;
    const found = (output?.Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
    return found
      .filter(({ InstanceId }) => InstanceId === id)
      .map((instance) => this.#shown(id, instance, invocation));
  }

  /** What a function is shown of what EC2 says. */
  #shown(id: string, instance: Instance, { name: fn, number: by }: Invocation): Instance {
    const isFalse = instance.State?.Name === 'running' && this.#has('falseStopped');
    const isOdd = this.#has('oddProbe');
    const isWordless = isOdd && this.#world.random.chance(0.5);
    const said: string = isWordless ? 'rebooting' : isFalse ? 'stopped' : (instance.State?.Name ?? '');
    const atMs = this.#world.time.nowMs();
    const launchTimeMs = instance.LaunchTime?.getTime() ?? 0;
    const state = isInstanceState(said) && !isOdd ? said : 'unknown';
    const sight: Sight = { atMs, fn, by, state, launchTimeMs };
    this.#world.truth.saw(id, sight);
    this.#world.oracles.saw(this.#kept.get(id)?.machine.workspaceId ?? '', sight);
    if (!isFalse && !isOdd) return instance;
    const { LaunchTime, ...rest } = instance;
    return {
      ...rest,
      State: { Name: said as 'stopped' },
      ...((!isOdd || isWordless) && LaunchTime && { LaunchTime }),
    };
  }

  #changed(id: string, state: InstanceState): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    kept.machine.becomes(state);
    if (state === 'terminated' && this.#has('addressReused'))
      this.#byAddress.set(kept.privateIp, new Stranger(kept.machine, this.#world.random.between(0, 3)));
    if (state === 'pending' && kept.fallsBack) {
      kept.fallsBack = false;
      this.#world.time.after(1000, () => {
        if (this.stateOf(id) === 'pending') kept.ec2.fleet.fall(id, 'Client.InternalError', 'stopped');
      });
    }
    this.#wake(kept.ec2);
  }

  /** Lets the next change come at its time. */
  #wake(ec2: SimulatedEc2): void {
    const nextMs = ec2.nextEventMs();
    if (nextMs === undefined) return;
    this.#world.time.after(nextMs - this.#world.time.nowMs(), () => {
      ec2.fleet.advance();
    });
  }

  #refusalOf(action: string): string | undefined {
    if (action === 'StartInstances' && this.#has('noCapacity')) return 'InsufficientInstanceCapacity';
    if (this.#has('actThrottled')) return 'RequestLimitExceeded';
    return this.#has('actDenied') ? 'UnauthorizedOperation' : undefined;
  }

  #has(fault: FaultName): boolean {
    const { random, weights, isCalm } = this.#world;
    if (isCalm || !random.chance(weights[fault])) return false;
    this.#world.seen(fault);
    return true;
  }

  #nowOf(id: string): { state: InstanceState; launchTimeMs: number } | undefined {
    try {
      return this.#kept.get(id)?.ec2.fleet.get(id).now;
    } catch {
      // Terminated long ago, and no more known to EC2.
      return undefined;
    }
  }
}
