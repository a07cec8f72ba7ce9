import { saysSomething, type Probe } from './facts.ts';
import { isFresh } from './heartbeat.ts';
import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';
import type { Unclear, Workspace } from './workspace.ts';

/** Busy is not for ever: after this somebody is told (V5, V7). */
const STUCK_AFTER_MS = 10 * 60_000;
/** Looks further apart than this do not speak of the same trouble: nobody has looked between them. */
const LONGEST_GAP_MS = 5 * 60_000;

/** What a look says of a trouble: since when it lasts, if it does, and whether that is too long. */
export interface AfterLook {
  readonly unclear?: Unclear;
  readonly isStuck: boolean;
}

/**
 * An instance that is stopping, starting or nowhere to be found is never evidence of death, so its workspace stays busy
 * as long as that lasts. Looks that were throttled or failed say something of EC2, and nothing of the instance: what was
 * known `before` stands.
 */
export function afterLook(
  workspace: Pick<Workspace, 'generation' | 'instanceId' | 'heartbeat'>,
  before: Unclear | undefined,
  probe: Probe,
  now: TimeRange,
): AfterLook {
  const { generation, heartbeat } = workspace;
  const isClear = isClearState(probe, workspace.instanceId);
  if (isClear === undefined) return { ...(before && { unclear: before }), isStuck: false };
  if (isClear) return { isStuck: false };
  const goesOn =
    before?.generation === generation &&
    now.latestMs - before.lastMs <= LONGEST_GAP_MS &&
    (heartbeat?.atMs ?? 0) <= before.sinceMs;
  const sinceMs = goesOn ? before.sinceMs : now.latestMs;
  return {
    unclear: { sinceMs, lastMs: now.latestMs, generation },
    isStuck: now.earliestMs - sinceMs > STUCK_AFTER_MS,
  };
}

/**
 * It runs, its agent said how often it would beat, and has not for long. Somebody still listens there, or nobody has
 * asked: it is reported, and not restarted (V6).
 */
export function isMute(
  { heartbeat, freshUntilMs }: Pick<Workspace, 'heartbeat' | 'freshUntilMs'>,
  now: TimeRange,
  policy: Policy,
): boolean {
  // An agent that works under a lease has said that it will be silent.
  if (heartbeat?.declaresInterval !== true || isFresh(freshUntilMs, now.earliestMs)) return false;
  return now.earliestMs - heartbeat.atMs > policy.silentAfterMs;
}

/** Whether the instance is somewhere it may stay; undefined where the look says nothing of it. */
function isClearState(probe: Probe, instanceId: string): boolean | undefined {
  if (!saysSomething(probe)) return undefined;
  if (probe.kind !== 'seen' || probe.instanceId !== instanceId) return false;
  const { state } = probe;
  return state === 'running' || state === 'stopped' || state === 'terminated';
}
