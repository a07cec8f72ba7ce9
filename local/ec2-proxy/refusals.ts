/** What EC2 says when it does not do as asked; codes, statuses and words as on AWS. */
import type { StateName } from './states.ts';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export const incorrectState = (
  instanceId: string,
  wish: 'started' | 'stopped',
  state: StateName,
): Refusal => ({
  status: 400,
  code: 'IncorrectInstanceState',
  message: `The instance '${instanceId}' is not in a state from which it can be ${wish} (it is ${state}).`,
});

export const unknownInstance = (instanceId: string): Refusal => ({
  status: 400,
  code: 'InvalidInstanceID.NotFound',
  message: `The instance ID '${instanceId}' does not exist`,
});

/** EC2 answers this with a 500: the SDK's standard retries see a server fault. */
export const insufficientCapacity: Refusal = {
  status: 500,
  code: 'InsufficientInstanceCapacity',
  message: 'We currently do not have sufficient capacity in the Availability Zone you requested.',
};

export const throttled: Refusal = {
  status: 503,
  code: 'RequestLimitExceeded',
  message: 'Request limit exceeded.',
};

export const internalError: Refusal = {
  status: 500,
  code: 'InternalError',
  message: 'An internal error has occurred. (Ordered by a fault.)',
};

export const upstreamGone: Refusal = {
  status: 503,
  code: 'Unavailable',
  message: 'The emulator behind this proxy does not answer.',
};

export const dryRun: Refusal = {
  status: 412,
  code: 'DryRunOperation',
  message: 'Request would have succeeded, but DryRun flag is set.',
};
