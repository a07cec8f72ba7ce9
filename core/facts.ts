import { isInstant, type TimeRange } from './time.ts';
import { instanceStates, type InstanceState, type Sighting, type Workspace } from './workspace.ts';

/** Why a probe does not know. Kept for the receipt; none of them ever counts against a workspace. */
export const unknownCauses = ['throttled', 'error', 'absent', 'not-found', 'malformed', 'shared'] as const;
export type UnknownCause = (typeof unknownCauses)[number];

/** One reading of the EC2 state. `unknown` is an answer of its own, never turned into a "no". */
export type Probe =
  | { readonly kind: 'not-made' }
  | {
      readonly kind: 'seen';
      readonly state: InstanceState;
      readonly instanceId: string;
      readonly launchTimeMs?: number;
    }
  | { readonly kind: 'unknown'; readonly cause: UnknownCause };

/** Who asks: only the re-probe may make the second sighting. */
export type Asker = 'caller' | 'reprobe';

/** Everything the judge may look at. */
export interface Facts {
  readonly now: TimeRange;
  /** Whether the function's clock and the database's agree within the skew margin. */
  readonly clock: 'agrees' | 'disagrees' | 'unknown';
  readonly asker: Asker;
  /** `unknown`: no such workspace. `malformed`: the stored item cannot be read. */
  readonly workspace: JudgedWorkspace | 'unknown' | 'malformed';
  /** The instance that the caller tried, when it says so. */
  readonly reportedInstanceId?: string;
  readonly probe: Probe;
}

/** The part of a workspace that is evidence; what a receipt keeps. */
export type JudgedWorkspace = Pick<
  Workspace,
  | 'workspaceId'
  | 'instanceId'
  | 'generation'
  | 'desired'
  | 'pause'
  | 'settleUntilMs'
  | 'settleBecause'
  | 'freshUntilMs'
  | 'heartbeat'
  | 'evidence'
  | 'claim'
>;

/** Picks the judged part of a stored workspace. */
export function judgedPart(workspace: Workspace): JudgedWorkspace {
  const { workspaceId, instanceId, generation, desired, settleUntilMs, settleBecause, freshUntilMs } =
    workspace;
  const { pause, heartbeat, evidence, claim } = workspace;
  return {
    workspaceId,
    instanceId,
    generation,
    desired,
    settleUntilMs,
    settleBecause,
    freshUntilMs,
    ...(pause && { pause }),
    ...(heartbeat && { heartbeat }),
    ...(evidence && { evidence }),
    ...(claim && { claim }),
  };
}

/** What this look may count against the workspace, or undefined. `terminated` counts only for its own instance id. */
export function sightingOf(probe: Probe, instanceId: string): Sighting | undefined {
  if (probe.kind !== 'seen' || probe.instanceId !== instanceId) return undefined;
  return probe.state === 'stopped' || probe.state === 'terminated' ? 'stopped' : undefined;
}

/**
 * The name of the first stored fact that cannot be true: not a time, not a number, or later than any clock allows.
 * Such a workspace is busy (S15): a wrong fact must never help to condemn it.
 */
export function malformedFact(
  workspace: JudgedWorkspace,
  now: TimeRange,
  skewMarginMs: number,
): string | undefined {
  const { heartbeat, evidence, pause } = workspace;
  if (!isInstant(now.earliestMs) || !isInstant(now.latestMs) || now.earliestMs > now.latestMs) return 'now';
  if (!isCount(workspace.generation)) return 'generation';
  if (!isInstant(workspace.settleUntilMs)) return 'settleUntil';
  if (!isInstant(workspace.freshUntilMs)) return 'freshUntil';
  if (pause?.untilMs !== undefined && !isInstant(pause.untilMs)) return 'pause.until';
  const latestCredibleMs = now.latestMs + skewMarginMs;
  if (heartbeat) {
    if (!isInstant(heartbeat.atMs) || heartbeat.atMs > latestCredibleMs) return 'heartbeat.at';
    if (!isCount(heartbeat.seq)) return 'heartbeat.seq';
    if (typeof heartbeat.bootId !== 'string' || heartbeat.bootId === '') return 'heartbeat.bootId';
  }
  if (evidence && (!isInstant(evidence.atMs) || evidence.atMs > latestCredibleMs)) return 'evidence.at';
  return undefined;
}

/** Whether a state word is one that EC2 documents. */
export function isInstanceState(value: unknown): value is InstanceState {
  return instanceStates.some((state) => state === value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
