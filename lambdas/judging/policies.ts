import { policyOf, withOverrides, type Policy, type PolicySettings } from '../../core/policy.ts';
import type { Ids } from '../ports/ids.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';

/** A short fingerprint of a policy, for receipts. */
export function policyVersionOf(ids: Pick<Ids, 'fingerprint'>, policy: Policy): string {
  return ids.fingerprint(JSON.stringify(policy)).slice(0, 12);
}

/** The policy that holds for a workspace: the fleet's, with its own settings on top. */
export function policyFor(settings: PolicySettings, workspace: StoredWorkspace): Policy {
  return policyOf(withOverrides(settings, typeof workspace === 'object' ? workspace.settings : undefined));
}
