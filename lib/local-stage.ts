import { RemovalPolicy } from 'aws-cdk-lib';

/** The local stage: the same stack on an emulator, where nothing is worth keeping and there is no network. */
export interface LocalStage {
  /** Where the functions reach every service but EC2. */
  readonly endpointUrl: string;
  /** Where the functions reach EC2: the project's own lifecycle proxy. */
  readonly ec2EndpointUrl: string;
  /** The address that every instance has; their ports tell them apart. */
  readonly address: '127.0.0.1';
}

/** What becomes of the table, the queues and the logs when the stack goes: they are the promises made to callers. */
export const keptOffLocal = (local: LocalStage | undefined): RemovalPolicy =>
  local === undefined ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
