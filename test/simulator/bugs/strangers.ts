/** Bugs of whom a request is given to. */
import type { Bug } from './bug.ts';

const proof = 'lambdas/adapters/peer-proof.ts';

export const strangers: readonly Bug[] = [
  {
    name: 'no-proof-is-asked',
    file: 'lambdas/deliver/attempt.ts',
    find: "      ...(policy.peerProof === 'well-known' && { proof: proofOf(workspace) }),\n",
    replace: '',
    profile: 'strangers',
    breaks: ['S20'],
    says: 'a request is sent without the proof that the policy asks for',
  },
  {
    name: 'any-workspace-will-do',
    file: proof,
    find: 'if (!parsed.success || parsed.data.workspaceId !== expected.workspaceId) return false;',
    replace: 'if (!parsed.success) return false;',
    profile: 'strangers',
    breaks: ['S20'],
    says: 'whoever names any workspace has proved that he is the one who is meant',
  },
  {
    name: 'any-boot-will-do',
    file: proof,
    find: 'return expected.bootId === undefined || parsed.data.bootId === expected.bootId;',
    replace: 'return expected.bootId === undefined || parsed.data.bootId !== undefined;',
    profile: 'strangers',
    breaks: ['S20'],
    says: 'a copy of the machine is taken for the workspace',
  },
];
