/**
 * The person at the EC2 console: launches the fleet's instances, and stops one where a story says so. It counts its own
 * calls, so that what the EC2 proxy has counted beyond them is Defib's doing.
 */
import {
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';

import type { Ec2Proxy } from '../local/ec2-proxy/ec2-proxy.ts';
import type { StateName } from '../local/ec2-proxy/states.ts';
import type { LocalInfo } from '../local/local-info.ts';

/** What Defib has done to one instance. */
export interface PowerCalls {
  readonly starts: number;
  readonly stops: number;
}

export class Ec2Console {
  readonly #client: EC2Client;
  readonly #proxy: Ec2Proxy;
  readonly #tag: LocalInfo['workspaceTag'];
  readonly #ownStops = new Map<string, number>();

  constructor(client: EC2Client, proxy: Ec2Proxy, tag: LocalInfo['workspaceTag']) {
    this.#client = client;
    this.#proxy = proxy;
    this.#tag = tag;
  }

  /** Launches an instance of the fleet and gives back its id. */
  async launch(name: string): Promise<string> {
    const { Instances } = await this.#client.send(
      new RunInstancesCommand({
        ImageId: 'ami-0123456789abcdef0',
        InstanceType: 't3.micro',
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [{ ResourceType: 'instance', Tags: [this.#tag, { Key: 'Name', Value: name }] }],
      }),
    );
    const instanceId = Instances?.[0]?.InstanceId;
    if (instanceId === undefined) throw new Error(`EC2 launched nothing for ${name}`);
    return instanceId;
  }

  async stop(instanceId: string): Promise<void> {
    this.#ownStops.set(instanceId, this.ownStopsOf(instanceId) + 1);
    await this.#client.send(new StopInstancesCommand({ InstanceIds: [instanceId] }));
  }

  /** For an AWS that is not ours to end with the demo. */
  async terminate(instanceIds: readonly string[]): Promise<void> {
    if (instanceIds.length === 0) return;
    await this.#client.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
  }

  /** How often the demo itself has stopped the instance: each time justifies one restart. */
  ownStopsOf(instanceId: string): number {
    return this.#ownStops.get(instanceId) ?? 0;
  }

  /** Start and Stop calls that reached EC2 and were not the demo's own. */
  callsOfDefib(instanceId: string): PowerCalls {
    return {
      starts: this.#counted('StartInstances', instanceId),
      // Our own call is noted a moment before it is counted there.
      stops: Math.max(0, this.#counted('StopInstances', instanceId) - this.ownStopsOf(instanceId)),
    };
  }

  /** DescribeInstances calls that named the instance. The demo itself makes none. */
  looksAt(instanceId: string): number {
    return this.#counted('DescribeInstances', instanceId);
  }

  /** EC2's answers about the instance: one false state after another, one for ever, or the truth again. */
  pretend(instanceId: string, seen: StateName | StateName[] | 'truth'): void {
    this.#proxy.faults.order({ probe: { [instanceId]: seen === 'truth' ? null : seen } });
  }

  /** Whether false answers about the instance are still to come. */
  isPretending(instanceId: string): boolean {
    return this.#proxy.faults.standing.probe[instanceId] !== undefined;
  }

  /** EC2 as a whole: every call fails, every call is throttled, or all is well. */
  trouble(kind: 'fail' | 'throttle' | 'none'): void {
    const every = (rate: number) => ({
      DescribeInstances: rate,
      StartInstances: rate,
      StopInstances: rate,
    });
    this.#proxy.faults.order({
      fail: every(kind === 'fail' ? 1 : 0),
      throttle: every(kind === 'throttle' ? 1 : 0),
    });
  }

  #counted(action: string, instanceId: string): number {
    return this.#proxy.calls.counts[action]?.[instanceId] ?? 0;
  }
}
