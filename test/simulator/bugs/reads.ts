/** Bugs of reads: one that does not ask for the newest state may show what was before the write that it follows. */
import type { Bug } from './bug.ts';

export const reads: readonly Bug[] = [
  {
    name: 'request-read-is-stale',
    file: 'lambdas/adapters/ledger-reads.ts',
    find: 'Key: keyOf.request(requestId), ConsistentRead: true }',
    replace: 'Key: keyOf.request(requestId) }',
    profile: 'echoes',
    breaks: ['S25'],
    says: 'a request that was parked a moment ago is not there for deliver, and its message is dropped',
  },
  {
    name: 'workspace-read-is-stale',
    file: 'lambdas/adapters/workspace-store.ts',
    find: 'Key: keyOf.workspace(workspaceId), ConsistentRead: true }',
    replace: 'Key: keyOf.workspace(workspaceId) }',
    profile: 'echoes',
    breaks: ['S22'],
    says: 'deliver does not see the restart that began a moment ago',
  },
  {
    name: 'judged-by-a-stale-read',
    file: 'lambdas/adapters/workspace-store.ts',
    find: '{ Keys: wanted, ConsistentRead: true }',
    replace: '{ Keys: wanted }',
    profile: 'echoes',
    breaks: ['S5', 'S27', 'S4'],
    says: 'the judges see a workspace as it was',
  },
  {
    name: 'brake-read-is-stale',
    file: 'lambdas/adapters/brake-store.ts',
    find: 'Key: keyOf.brake, ConsistentRead: true }',
    replace: 'Key: keyOf.brake }',
    profile: 'gusts',
    breaks: ['S13'],
    says: 'an act follows on a brake that has opened a moment ago',
  },
  {
    name: 'receipt-read-is-stale',
    file: 'lambdas/adapters/receipt-store.ts',
    find: '          Key: keyOf.receipt(workspaceId, verdictId),\n          ConsistentRead: true,\n',
    replace: '          Key: keyOf.receipt(workspaceId, verdictId),\n',
    profile: 'echoes',
    breaks: ['S35'],
    says: 'the second look does not find what was written of the first, and begins anew',
  },
];
