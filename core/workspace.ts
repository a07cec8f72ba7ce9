import type { WorkspaceSettings } from './policy.ts';

/** What a person wants the workspace to be. Only this and a pause express a wish; EC2's own state never does. */
export type Desired = 'running' | 'stopped';

/** The last accepted heartbeat: stamped by the server, bound to one boot of one instance, counted by the agent. */
export interface Heartbeat {
  readonly atMs: number;
  readonly seq: number;
  readonly bootId: string;
  readonly intervalMs: number;
  /** Whether the agent said so itself: the silence of one that did not says nothing. */
  readonly declaresInterval?: boolean;
  readonly activeTasks: number;
  /** The agent's own promise to be busy until then; it need not beat meanwhile. */
  readonly busyUntilMs?: number;
}

/** A pause by an operator: no restart until it ends. Without `untilMs` it holds until somebody lifts it. */
export interface Pause {
  readonly by: string;
  readonly reason: string;
  readonly untilMs?: number;
}

/** What one look may count against a workspace: its instance is stopped, or runs while its agent is gone. */
export type Sighting = 'stopped' | 'silent';

/** The first sighting, waiting for the second. Bound to everything that would make it void when it changes. */
export interface Evidence {
  readonly kind: Sighting;
  readonly verdictId: string;
  readonly atMs: number;
  readonly generation: number;
  readonly instanceId: string;
  /** Boot and sequence of the last beat at the time, absent when there was none (S3, the clock-free form). */
  readonly bootId?: string;
  readonly seq?: number;
  readonly launchTimeMs?: number;
  /** How often this verdict had to begin anew. */
  readonly round: number;
}

export const claimSteps = [
  'awaiting-approval',
  'awaiting-admission',
  'admitted',
  'stop-issued',
  'stop-recorded',
  'start-issued',
  'starting',
] as const;
/** How far a restart has come. Each step is durable before the effect that follows it. */
export type ClaimStep = (typeof claimSteps)[number];

/** The permission for one restart, and its progress. */
export interface Claim {
  /** The verdictId, so that a redelivered message knows its own claim. */
  readonly token: string;
  /** `dead`: it was seen stopped. `silent`: it runs, but its agent is gone. */
  readonly kind: 'dead' | 'silent' | 'operator';
  readonly reason: string;
  readonly step: ClaimStep;
  /** Start calls issued so far. */
  readonly attempt: number;
  /** Start calls that succeeded. */
  readonly starts?: number;
  /** Raised by the sweep when it resumes the claim: messages of an older epoch change nothing. */
  readonly epoch: number;
  /** Names the write that made the claim what it is: our own write whose answer was lost is a success (S27). */
  readonly nonce?: string;
  readonly sinceMs: number;
  /** No act, and no admission, before this: the restart before was a short while ago, or EC2 had no capacity. */
  readonly notBeforeMs?: number;
  readonly waitsFor?: 'back-off' | 'capacity' | 'throttle';
  /** When the restart is given up. */
  readonly deadlineMs: number;
  readonly instanceId: string;
  /** The condemned boot: an instance with another LaunchTime is the restart's result, never its target (S9). */
  readonly launchTimeMs?: number;
  readonly bootId?: string;
  /** Until then the one invocation that issued Stop may still be at it. */
  readonly stopLeaseUntilMs?: number;
  /** The settle window that the claim opened; one that reaches further was opened by somebody else. */
  readonly settleUntilMs?: number;
  /** A beat came after the claim and before any act: the condemned agent lives. */
  readonly heardAtMs?: number;
  /** The boot that was heard: another one than the condemned means that the agent has restarted by itself. */
  readonly heardBootId?: string;
  /** The softer step was taken: until then its agent may come back by itself. Once a claim. */
  readonly softUntilMs?: number;
  /** When Start succeeded. */
  readonly startedAtMs?: number;
  /** An operator's order that overrides budget, brake, settle window and pause. */
  readonly forced: boolean;
}

/** Something that a verdict, or an operator's order, has found, and when. */
export interface Finding {
  readonly verdictId: string;
  readonly atMs: number;
}

/**
 * Since when looks have said neither that it runs nor that it is stopped, and when the last of them did. Kept beside the
 * last probe: evidence of nothing.
 */
export interface Unclear {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly generation: number;
}

/** One workspace as the table holds it. */
export interface Workspace {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  /** Base path on the agent, put before each request's own path. */
  readonly path: string;
  readonly desired: Desired;
  readonly settings?: Partial<WorkspaceSettings>;
  /** Rises with each new instance and each claim; everything that was decided for an older one is void. */
  readonly generation: number;
  /** The generation at its registration; absent in items that were written before it was kept. */
  readonly firstGeneration?: number;
  readonly pause?: Pause;
  readonly settleUntilMs: number;
  /** When the window opened; absent in items that were written before it was kept. */
  readonly settleFromMs?: number;
  readonly settleBecause: string;
  /** 0 when it never beat in this generation. */
  readonly freshUntilMs: number;
  readonly heartbeat?: Heartbeat;
  /** The boot that a claim condemned: its beats no longer count. */
  readonly retiredBootId?: string;
  /** The boot before the current one, and the last number heard of it; beats up to that are replays. */
  readonly previousBootId?: string;
  /** Absent in items that were written before it was kept. */
  readonly previousSeq?: number;
  readonly evidence?: Evidence;
  readonly claim?: Claim;
  /** Its instance is terminated: nothing can start it, so nothing is tried until another one is registered. */
  readonly gone?: Finding & { readonly instanceId: string };
  /** Restarts do not help it: none is made until an operator releases it, or registers another instance. */
  readonly quarantine?: Finding & { readonly because: string };
  /** The latest dead verdict that was only observed. */
  readonly withheld?: Finding;
  /** When Defib last stopped its instance, so that nobody takes that for a person's stop. */
  readonly lastStopMs?: number;
  /** The write that ended the latest claim: the end whose answer was lost is known by it (S27). */
  readonly endedBy?: string;
  /** When its latest restarts were claimed, newest last. */
  readonly recentRestartsMs: readonly number[];
}

/** Whether nothing was done to the instance yet: such a claim may still be given up as if it had never been. */
export function isUntouched(claim: Pick<Claim, 'step'>): boolean {
  return (
    claim.step === 'awaiting-approval' || claim.step === 'awaiting-admission' || claim.step === 'admitted'
  );
}

/** An instance can be read several ways by EC2; only these words are known here. */
export const instanceStates = [
  'pending',
  'running',
  'stopping',
  'stopped',
  'shutting-down',
  'terminated',
] as const;
export type InstanceState = (typeof instanceStates)[number];

/** The finding that its instance is terminated, which never changes; undefined when there is none of this instance. */
export function goneOf({ gone, instanceId }: Pick<Workspace, 'gone' | 'instanceId'>): Workspace['gone'] {
  return gone?.instanceId === instanceId ? gone : undefined;
}

/** Whether a pause still holds. Expired only by the earliest end of the time range: doubt keeps the pause. */
export function isPaused(workspace: Pick<Workspace, 'desired' | 'pause'>, earliestMs: number): boolean {
  if (workspace.desired !== 'running') return true;
  const { pause } = workspace;
  return pause !== undefined && (pause.untilMs === undefined || earliestMs < pause.untilMs);
}
