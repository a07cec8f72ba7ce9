import { RemovalPolicy } from 'aws-cdk-lib';
import type { PolicySettings } from '../core/policy.ts';
import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import type { Alarms } from './alarms.ts';
import type { Encryption } from './encryption.ts';
import type { Events } from './events.ts';
import type { State } from './state.ts';

/** The local stage: the same stack on an emulator, where nothing is worth keeping and there is no network. */
export interface LocalStage {
  /** Where the functions reach every service but EC2. */
  readonly endpointUrl: string;
  /** Where the functions reach EC2: the project's own lifecycle proxy. */
  readonly ec2EndpointUrl: string;
  /** The address that every instance has; their ports tell them apart. */
  readonly address: '127.0.0.1';
}

/** What every capability stands on. */
export interface Foundations {
  readonly state: State;
  readonly events: Events;
  readonly alarms: Alarms;
  readonly encryption: Encryption;
  readonly policySettings: PolicySettings;
  readonly reservedConcurrency: Partial<Record<FunctionName, number>>;
  /** Set on the local stage only. */
  readonly local: LocalStage | undefined;
}

/** What becomes of the table, the queues and the logs when the stack goes: they are the promises made to callers. */
export const keptOffLocal = (local: LocalStage | undefined): RemovalPolicy =>
  local === undefined ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
