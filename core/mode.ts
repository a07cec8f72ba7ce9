import type { Mode, Policy } from './policy.ts';

/**
 * What follows from a dead verdict for this workspace. A fleet that enforces only a share of its workspaces observes
 * the others, whatever their own mode says; which ones those are never changes while the share stays.
 */
export function modeFor(workspaceId: string, policy: Pick<Policy, 'mode' | 'enforcePercent'>): Mode {
  return hundredthOf(workspaceId) < policy.enforcePercent ? policy.mode : 'observe';
}

/**
 * A number from 0 to 99 that stays with the id, by FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv): a share that
 * is raised takes in new workspaces and loses none.
 */
function hundredthOf(workspaceId: string): number {
  let hash = 0x811c9dc5;
  for (const letter of workspaceId) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  }
  // The last bits of FNV are its weakest: fold the first ones in.
  return ((hash ^ (hash >>> 16)) >>> 0) % 100;
}
