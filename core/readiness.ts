/** Whether a workspace may be given a request. */
import { isFresh } from './heartbeat.ts';
import type { Policy } from './policy.ts';
import { isSettling } from './settle.ts';
import type { TimeRange } from './time.ts';
import { goneOf, isPaused, type Workspace } from './workspace.ts';

/**
 * Why a workspace may not be given a request now, or undefined when it is ready: no open claim, not gone, not paused, below
 * its active tasks, and out of its settle window or beating with the boot that opened it.
 */
export function whyNotReady(workspace: Workspace, now: TimeRange, policy: Policy): string | undefined {
  if (workspace.claim) return 'restarting';
  // Told already, and by whom it is replaced is for others: to look and to report again would only tell it again (S18).
  if (goneOf(workspace)) return 'gone';
  if (isPaused(workspace, now.earliestMs)) return 'paused';
  const { heartbeat } = workspace;
  const beatCounts = heartbeat !== undefined && isFresh(workspace.freshUntilMs, now.earliestMs);
  if (beatCounts && heartbeat.activeTasks >= policy.maxActiveTasks) return 'busy';
  if (isSettling(workspace.settleUntilMs, now.earliestMs) && !hasBeatenSinceSettling(workspace, policy)) {
    return 'settling';
  }
  return undefined;
}

function hasBeatenSinceSettling(workspace: Workspace, policy: Policy): boolean {
  const { heartbeat } = workspace;
  if (!heartbeat || heartbeat.bootId === workspace.retiredBootId) return false;
  return heartbeat.atMs >= (workspace.settleFromMs ?? workspace.settleUntilMs - policy.settleWindowMs);
}
