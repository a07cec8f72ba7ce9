import { sightingOf, type Facts } from '../../core/facts.ts';
import { InvariantViolation } from '../../core/invariant.ts';
import type { Policy } from '../../core/policy.ts';
import type { Evidence, Workspace } from '../../core/workspace.ts';

/** Evidence that has no verdict after this is re-probed by the sweep: its message was lost. */
export const RESEND_AFTER_MS = 10_000;

/**
 * Evidence of what a look has seen, bound to all that would make it void when it changes. `lookedByMs`: the look was made
 * by then. Evidence that says to be older than it is lets the second look come too early (S4).
 */
export function evidenceOf(
  verdictId: string,
  workspace: Workspace,
  { facts, policy, lookedByMs }: { facts: Facts; policy: Policy; lookedByMs: number },
  round = 0,
): Evidence {
  const kind = sightingOf(facts, workspace, policy);
  if (kind === undefined || facts.probe.kind !== 'seen') {
    throw new InvariantViolation('evidence needs a sighting (S4)');
  }
  const { heartbeat } = workspace;
  return {
    kind,
    verdictId,
    atMs: lookedByMs,
    generation: workspace.generation,
    instanceId: workspace.instanceId,
    ...(heartbeat && { bootId: heartbeat.bootId, seq: heartbeat.seq }),
    ...(facts.probe.launchTimeMs !== undefined && { launchTimeMs: facts.probe.launchTimeMs }),
    round,
  };
}
