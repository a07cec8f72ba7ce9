/**
 * V1, for messages: where no queue loses anything and all code is of one version, no request ends as `body-lost`. The end
 * is honest and has its alarm, but a request whose message is taken for a copy of another is lost by Defib itself.
 */
import type { Item } from '../aws/dynamodb.ts';
import type { Weights } from '../swarm.ts';
import { requestIn, type Witness } from './witness.ts';

/** Faults by which a message is gone, is older than the queue keeps any, or is set aside by a version that can't read it. */
const losing = ['vanished', 'purge', 'newerCode', 'olderCode', 'ages'] as const;

export function bodyIsKept(
  witness: Witness & { readonly weights: Weights },
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const after = requestIn(afterItem);
  if (after?.why !== 'body-lost' || requestIn(beforeItem)?.why === 'body-lost') return;
  if (losing.every((name) => witness.weights[name] === 0))
    witness.broken('V1', `${after.requestId} ends as body-lost, and nothing loses messages`);
}
