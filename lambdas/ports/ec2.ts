/** EC2: the looks, and the power to act. */
import type { Probe } from '../../core/facts.ts';

/** What EC2 says of an instance. */
export interface InstanceLook {
  readonly probe: Probe;
  readonly privateIp?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** What a replacement would be made of: image, type, zone and the like, where EC2 says so. */
  readonly make?: Readonly<Record<string, string>>;
}

/** IsRunning: reads, never acts. */
export interface Ec2Probe {
  /** Every id asked for is in the answer; a failed call makes each of them unknown. */
  look(instanceIds: readonly string[]): Promise<ReadonlyMap<string, InstanceLook>>;
}

/** What an EC2 power call came to. `unclear`: it may have been done. */
export type PowerOutcome =
  | { readonly kind: 'done'; readonly previousState: string }
  | { readonly kind: 'try-again'; readonly code: string }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unclear'; readonly code: string };

/** The power to act: only the restart function has it. */
export interface Ec2Power {
  start(instanceId: string): Promise<PowerOutcome>;
  stop(instanceId: string): Promise<PowerOutcome>;
}
