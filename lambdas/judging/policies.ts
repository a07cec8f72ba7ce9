import { policyOf, withOverrides, type Policy, type PolicySettings } from '../../core/policy.ts';
import type { StoredWorkspace } from '../ports.ts';

/** The policy that holds for a workspace: the fleet's, with its own settings on top. */
export function policyFor(settings: PolicySettings, workspace: StoredWorkspace): Policy {
  return policyOf(withOverrides(settings, typeof workspace === 'object' ? workspace.settings : undefined));
}
