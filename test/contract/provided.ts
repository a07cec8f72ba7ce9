/** What the command that runs the contract on an emulator tells its tests. */
import type { EmulatorName } from './bench.ts';

export interface ContractEndpoints {
  readonly emulator: EmulatorName;
  readonly url: string;
  readonly ec2Url: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    contract: ContractEndpoints;
  }
}
