import type { UnknownCause } from './facts.ts';
import type { Policy } from './policy.ts';

/** How EC2 has answered lately: probes and acts alike. */
export interface Ec2Answers {
  readonly answered: number;
  /** Throttled, failed, or with an answer that was lost. */
  readonly failed: number;
}

export const noAnswers: Ec2Answers = { answered: 0, failed: 0 };

/** Fewer bad answers than this say nothing of EC2. */
const LEAST_FAILURES = 10;

/** Whether EC2 answers so badly that what it says of the fleet is in doubt. */
export function answersBadly({ answered, failed }: Ec2Answers, policy: Policy): boolean {
  return (
    failed > Math.max(LEAST_FAILURES, policy.brakeMinimum) &&
    failed > policy.brakeEc2Share * (answered + failed)
  );
}

/** Whether a probe that knows nothing is EC2's fault; an instance that is not there is not. */
export function isFailedProbe(cause: UnknownCause): boolean {
  return cause === 'throttled' || cause === 'error';
}

/** Codes by which EC2 says that it has no capacity or that a state is wrong: answers, if not the wished ones. */
const throttles = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ServiceUnavailable',
  'Unavailable',
]);

/** Whether an error code means that EC2 could not serve the call. */
export function isFailedAct(outcome: 'done' | 'try-again' | 'refused' | 'unclear', code: string): boolean {
  return outcome === 'unclear' || (outcome === 'try-again' && throttles.has(code));
}
