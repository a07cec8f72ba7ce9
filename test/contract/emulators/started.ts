/** An emulator that runs, as the command that runs the contract needs it. */
import type { Progress } from '../../../local/steps.ts';

export interface StartedEmulator {
  readonly url: string;
  /** Where EC2 is. */
  readonly ec2Url: string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Where its logs and files go. */
  readonly folder: string;
  readonly onProgress: Progress;
  readonly signal: AbortSignal;
}
