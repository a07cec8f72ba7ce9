/** What an attempt at delivery came to, and what follows from it. */
import { assertNever } from './invariant.ts';
import type { AttemptMark, FinalState, ParkedRequest } from './parking.ts';

/** A request that was in flight at this many restarts in a row is not let cause another one. */
export const MOST_INTERRUPTIONS = 3;

/** How an attempt failed. `broken`: somebody answered, and not by the rules of HTTP. */
export type FailedBecause = 'refused' | 'reset' | 'eof' | 'deadline' | 'unreachable' | 'broken';

export type AttemptOutcome =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterSeconds?: number }
  | {
      readonly kind: 'failed';
      readonly because: FailedBecause;
      /** It failed before anything of the request was sent. */
      readonly unsent?: true;
    };

/** Statuses that ask for another try, and are no failure of the agent. */
const tryAgainStatuses: readonly number[] = [408, 425, 429, 503];
/** Of these, the ones that can only come before the work. The others a gateway may say after it has passed it on. */
const notTakenStatuses: readonly number[] = [425, 429];

export type AfterAttempt =
  | { readonly state: FinalState; readonly why?: string }
  | {
      readonly later: string;
      /** The agent itself failed at it: counted, and after so many given up. */
      readonly failure: boolean;
      /** An earlier copy may now be with the agent. */
      readonly mayHaveArrived: boolean;
      readonly retryAfterSeconds?: number;
    };

/** What follows from an attempt: a final state, or later again. */
export function afterAttempt(outcome: AttemptOutcome): AfterAttempt {
  switch (outcome.kind) {
    case 'answered':
      return afterAnswer(outcome.status, outcome.retryAfterSeconds);
    case 'failed': {
      // Only when nothing was sent, as to a refused connection or an unreachable host, has surely no copy arrived.
      const { because, unsent = because === 'refused' || because === 'unreachable' } = outcome;
      return { later: because, failure: !unsent, mayHaveArrived: !unsent };
    }
    case 'stranger':
      return { later: 'stranger', failure: false, mayHaveArrived: false };
    default:
      return assertNever(outcome);
  }
}

function afterAnswer(status: number, retryAfterSeconds?: number): AfterAttempt {
  if (status >= 200 && status < 300) return { state: 'delivered' };
  const asksAgain = tryAgainStatuses.includes(status);
  if (status >= 400 && status < 500 && !asksAgain) return { state: 'refused', why: `status-${status}` };
  return {
    later: `status-${status}`,
    failure: !asksAgain,
    mayHaveArrived: !notTakenStatuses.includes(status),
    ...(asksAgain && retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

/**
 * At how many restarts in a row the request was in flight, now that another attempt is about to begin: the last one
 * got no answer, and since then the instance or the agent's boot is another. An answer of any kind begins anew.
 */
export function interruptionsOf(
  request: Pick<ParkedRequest, 'lastAttempt' | 'interruptions'>,
  agent: Omit<AttemptMark, 'answered'>,
): number {
  const { lastAttempt: last, interruptions = 0 } = request;
  if (last === undefined) return 0;
  if (last.answered) return 0;
  return differs(last.launchTimeMs, agent.launchTimeMs) || differs(last.bootId, agent.bootId)
    ? interruptions + 1
    : interruptions;
}

/** Unknown is no difference. */
function differs<T>(before: T | undefined, now: T | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}
