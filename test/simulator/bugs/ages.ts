/** Bugs of what expires: too early, or believed for as long as it lies there. */
import type { Bug } from './bug.ts';

export const ages: readonly Bug[] = [
  {
    name: 'rows-expire-before-they-end',
    file: 'lambdas/adapters/ledger-items.ts',
    find: '        dueAt: request.acceptedAtMs + ACCEPTING_LIFE_MS,\n',
    replace:
      '        dueAt: request.acceptedAtMs + ACCEPTING_LIFE_MS,\n        ttl: ttlSeconds(request.acceptedAtMs + KEPT_AFTER_END_MS),\n',
    profile: 'ages',
    breaks: ['V1'],
    says: 'a request that still waits after a week is removed by the TTL',
  },
  {
    name: 'answers-outlive-their-time',
    file: 'lambdas/adapters/workspace-store.ts',
    find: "      !(Number(answer['expiresAtMs']) < serverTimeMs) && {",
    replace: "      !(Number(answer['expiresAtMs']) < serverTimeMs - 1e12) && {",
    profile: 'ages',
    breaks: ['S30'],
    says: 'an answer is repeated for as long as the TTL has not removed it',
  },
];
