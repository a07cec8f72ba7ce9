import type { Probe } from './facts.ts';
import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';
import type { Unclear, Workspace } from './workspace.ts';

/** Busy is not for ever: after this somebody is told (V5, V7). */
const STUCK_AFTER_MS = 10 * 60_000;
/** Looks further apart than this do not speak of the same trouble: nobody has looked between them. */
const LONGEST_GAP_MS = 5 * 60_000;
/** How often the time of the latest look is written down. */
const NOTED_EVERY_MS = 30_000;

/** What a look says of a trouble that lasts: what is to be kept of it, and whether it has lasted too long. */
export interface AfterLook {
  /** To be written; `none`: what was kept is to be removed. Absent: nothing is to be written. */
  readonly write?: Unclear | 'none';
  readonly isStuck: boolean;
}

/**
 * An instance that is stopping, starting or nowhere to be found is never evidence of death, so its workspace stays busy
 * as long as that lasts. Looks that were throttled or failed say something of EC2, and nothing of the instance.
 */
export function afterLook(
  workspace: Pick<Workspace, 'generation' | 'instanceId' | 'heartbeat' | 'unclear'>,
  probe: Probe,
  now: TimeRange,
): AfterLook {
  const { unclear, generation, heartbeat } = workspace;
  const isClear = isClearState(probe, workspace.instanceId);
  if (isClear === undefined) return { isStuck: false };
  if (isClear) return unclear ? { write: 'none', isStuck: false } : { isStuck: false };
  const goesOn =
    unclear?.generation === generation &&
    now.latestMs - unclear.lastMs <= LONGEST_GAP_MS &&
    (heartbeat?.atMs ?? 0) <= unclear.sinceMs;
  const sinceMs = goesOn ? unclear.sinceMs : now.latestMs;
  const isNoted = goesOn && now.latestMs - unclear.lastMs < NOTED_EVERY_MS;
  return {
    ...(!isNoted && { write: { sinceMs, lastMs: now.latestMs, generation } }),
    isStuck: now.earliestMs - sinceMs > STUCK_AFTER_MS,
  };
}

/**
 * It runs, its agent said how often it would beat, and has not for long. Somebody still listens there, or nobody has
 * asked: it is reported, and not restarted (V6).
 */
export function isMute({ heartbeat }: Pick<Workspace, 'heartbeat'>, now: TimeRange, policy: Policy): boolean {
  return heartbeat?.declaresInterval === true && now.earliestMs - heartbeat.atMs > policy.silentAfterMs;
}

/** Whether the instance is somewhere it may stay; undefined where the look says nothing of it. */
function isClearState(probe: Probe, instanceId: string): boolean | undefined {
  if (probe.kind === 'not-made') return undefined;
  if (probe.kind === 'unknown') {
    const saysNothing = probe.cause === 'throttled' || probe.cause === 'error' || probe.cause === 'shared';
    return saysNothing ? undefined : false;
  }
  if (probe.instanceId !== instanceId) return false;
  const { state } = probe;
  return state === 'running' || state === 'stopped' || state === 'terminated';
}
