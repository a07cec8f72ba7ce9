/** What a final verdict does to the request that it held back. */
import { assertNever } from './invariant.ts';
import type { ParkedRequest } from './parking.ts';
import type { Reason, Verdict } from './verdict.ts';

/**
 * A verdict that refuses what it held back takes the promise back, and the request's key with it: who comes again is judged
 * anew, or the caller of a dead workspace would hear for a day of a promise that is none (V3). Where an attempt was made an
 * agent may have it, and a second copy must not be parked.
 */
export function isNeverTried({ attempts }: Pick<ParkedRequest, 'attempts'>): boolean {
  return attempts === 0;
}

/** Whether the end of a request has freed its key, so that nothing is owed to a repeat of its call. */
export function isKeyFreed(request: Pick<ParkedRequest, 'state' | 'why' | 'attempts'>): boolean {
  const { state, why = '' } = request;
  return why === 'never-accepted' || (state === 'refused' && isNeverTried(request) && refusals.includes(why));
}
const refusals: readonly string[] = ['dead', 'gone', 'agent-restarting', 'unreachable', 'upstream-error'];

/** The code by which a final verdict ends a request that it held back; undefined when it releases the request. */
export function refusalOfHeld(
  request: Pick<ParkedRequest, 'whenDead' | 'errorClass'>,
  { verdict, reason }: { readonly verdict: Verdict; readonly reason: Reason },
): string | undefined {
  switch (verdict) {
    case 'pending':
    case 'busy':
      return undefined;
    case 'dead':
      if (reason === 'terminated') return 'gone';
      return request.whenDead === 'park' ? undefined : 'dead';
    case 'alive':
      return request.errorClass === 'upstream-busy' ? undefined : request.errorClass;
    default:
      return assertNever(verdict);
  }
}
