/** Bugs of two versions at once: what the other one keeps is lost, or what it means is guessed at. */
import type { Bug } from './bug.ts';

const item = 'lambdas/adapters/workspace-item.ts';
const fleet = 'lambdas/adapters/brake-store.ts';

export const versions: readonly Bug[] = [
  {
    name: 'claims-are-cut-to-what-is-known',
    file: item,
    find: 'const claim = z.looseObject({',
    replace: 'const claim = z.object({',
    profile: 'deploys',
    breaks: ['S32'],
    says: 'what a newer version keeps in a claim is lost with its next step',
  },
  {
    name: 'fleet-is-cut-to-what-is-known',
    file: fleet,
    find: 'const fleetItem = z.looseObject({',
    replace: 'const fleetItem = z.object({',
    profile: 'deploys',
    breaks: ['S32'],
    says: 'what a newer version keeps of the fleet is lost with the next admission',
  },
  {
    name: 'slots-are-cut-to-what-is-known',
    file: fleet,
    find: 'admitted: z.record(z.string(), z.looseObject({',
    replace: 'admitted: z.record(z.string(), z.object({',
    profile: 'deploys',
    breaks: ['S32'],
    says: 'what a newer version keeps of an admitted restart is lost',
  },
  {
    name: 'any-schema-is-read',
    file: item,
    find: '  v: z.literal(ITEM_VERSION),',
    replace: '  v: z.number(),',
    profile: 'schemas',
    breaks: ['S32'],
    says: 'a workspace of a newer schema is judged by what this version takes it for',
  },
  {
    name: 'newer-schema-is-mended',
    file: 'lambdas/adapters/mend-workspace.ts',
    find: "    if (typeof found['v'] === 'number' && found['v'] > ITEM_VERSION) return 'newer-version';\n",
    replace: '',
    profile: 'schemas',
    breaks: ['S32'],
    says: 'a workspace of a newer schema is replaced as one that is broken',
  },
  {
    name: 'what-cannot-be-read-was-not-won',
    file: 'lambdas/adapters/workspace-store.ts',
    find: "return found === 'malformed' && isDeclaredDead(item, verdictId) ? 'declared' : found;",
    replace: "return found === 'malformed' && isDeclaredDead(item, '') ? 'declared' : found;",
    profile: 'handovers',
    breaks: ['S27'],
    says: 'a verdict whose claim a newer version has won ends busy',
  },
  {
    name: 'next-version-is-taken-for-this',
    file: 'lambdas/schemas/messages.ts',
    find: 'const addressed = {\n  v: z.literal(MESSAGE_VERSION),',
    replace:
      'const addressed = {\n  keptByNewer: z.optional(z.boolean()),\n  v: z.literal([MESSAGE_VERSION, 2] as never),',
    profile: 'deploys',
    breaks: ['S32'],
    says: 'a message of the next version is handled, and what it says more is not',
  },
];
