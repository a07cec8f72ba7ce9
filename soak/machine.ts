/** The instances under the agents: an agent runs exactly while its instance does. */
import {
  DescribeInstancesCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';

import type { LocalInfo } from '../local/local-info.ts';

export class Machines {
  readonly #ec2: EC2Client;
  readonly #tag: LocalInfo['workspaceTag'];

  constructor(ec2: EC2Client, tag: LocalInfo['workspaceTag']) {
    this.#ec2 = ec2;
    this.#tag = tag;
  }

  async launch(name: string): Promise<string> {
    const { Instances } = await this.#ec2.send(
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
    await this.#ec2.send(new StopInstancesCommand({ InstanceIds: [instanceId] }));
  }

  async terminate(instanceIds: readonly string[]): Promise<void> {
    if (instanceIds.length > 0)
      await this.#ec2.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
  }

  /** The states of these instances; one that EC2 does not name is absent. */
  async states(instanceIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { Reservations = [] } = await this.#ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [...instanceIds] }),
    );
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
    return new Map(instances.map(({ InstanceId = '', State }) => [InstanceId, State?.Name ?? 'unknown']));
  }
}
