import { meansNobodyListens, type ErrorKind } from './forward-error.ts';
import { isUsablePolicy, type Policy } from './policy.ts';
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
      /** EC2's StateReason code, for the receipt. It expresses no wish, but for `respectManualStop`. */
      readonly stateReason?: string;
      /** When the stop was asked for, by EC2's StateTransitionReason. */
      readonly stoppedAtMs?: number;
    }
  | { readonly kind: 'unknown'; readonly cause: UnknownCause };

/** Whether a look says anything of the instance: one that was throttled or failed speaks of EC2 alone. */
export function saysSomething(probe: Probe): boolean {
  if (probe.kind === 'not-made') return false;
  if (probe.kind !== 'unknown') return true;
  return probe.cause !== 'throttled' && probe.cause !== 'error' && probe.cause !== 'shared';
}

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
  /** How the forward failed; without it no silence is ever seen. */
  readonly errorKind?: ErrorKind;
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

/**
 * What this look may count against the workspace, or undefined. `stopped`: the instance is stopped, or terminated;
 * that counts only for its own instance id. `silent`: it runs, but nobody listens at the agent's port, and an agent
 * that promised to beat has not beaten for long; a deadline is never that, since a starved agent misses deadlines.
 * A look that does not say since when the instance has been up counts for nothing: it may have started a moment ago.
 */
export function sightingOf(
  { probe, errorKind, now }: Pick<Facts, 'probe' | 'errorKind' | 'now'>,
  { instanceId, heartbeat }: Pick<JudgedWorkspace, 'instanceId' | 'heartbeat'>,
  policy: Pick<Policy, 'silentAfterMs'>,
): Sighting | undefined {
  if (probe.kind !== 'seen' || probe.instanceId !== instanceId || !isInstant(probe.launchTimeMs))
    return undefined;
  if (probe.state === 'stopped' || probe.state === 'terminated') return 'stopped';
  if (probe.state !== 'running' || heartbeat?.declaresInterval !== true) return undefined;
  if (!meansNobodyListens(errorKind)) return undefined;
  // A beat of before this launch says nothing of this boot: it may be booting still, and a Stop would hit it (S9).
  if (heartbeat.atMs < probe.launchTimeMs) return undefined;
  return now.earliestMs - heartbeat.atMs > policy.silentAfterMs ? 'silent' : undefined;
}

/**
 * The name of the first fact that cannot be true: missing, of a wrong type, not a time, or later than doubt about the
 * clock allows. Such a workspace is busy (S15): a wrong fact must never help to condemn it. Nothing is taken on
 * trust here, neither the types nor the policy: what was stored may have been written by anybody.
 */
export function malformedFact(
  { now, probe }: Pick<Facts, 'now' | 'probe'>,
  workspace: JudgedWorkspace,
  policy: Policy,
): string | undefined {
  if (!isUsablePolicy(policy)) return 'policy';
  if (!isRecord(now) || !isInstant(now.earliestMs) || !isInstant(now.latestMs)) return 'now';
  if (now.earliestMs > now.latestMs) return 'now';
  if (!isRecord(probe)) return 'probe';
  if (!isText(workspace.instanceId)) return 'instanceId';
  if (!isCount(workspace.generation)) return 'generation';
  if (!isInstant(workspace.settleUntilMs)) return 'settleUntil';
  if (!isInstant(workspace.freshUntilMs)) return 'freshUntil';
  return malformedPart(workspace, now.earliestMs + policy.skewMarginMs);
}

/** The parts that a workspace may lack. The earliest end decides what is of the future, so that doubt adds no trust. */
function malformedPart(
  { pause, claim, heartbeat, evidence }: JudgedWorkspace,
  latestCredibleMs: number,
): string | undefined {
  const hasHappened = (atMs: unknown): boolean => isInstant(atMs) && atMs <= latestCredibleMs;
  if (
    pause !== undefined &&
    !(isRecord(pause) && (pause.untilMs === undefined || isInstant(pause.untilMs)))
  ) {
    return 'pause';
  }
  if (claim !== undefined && !isRecord(claim)) return 'claim';
  if (heartbeat !== undefined) {
    if (!isRecord(heartbeat) || !hasHappened(heartbeat.atMs)) return 'heartbeat.at';
    if (!isCount(heartbeat.seq)) return 'heartbeat.seq';
    if (!isText(heartbeat.bootId)) return 'heartbeat.bootId';
  }
  if (evidence !== undefined && !(isRecord(evidence) && hasHappened(evidence.atMs))) return 'evidence.at';
  return undefined;
}

/** Whether a state word is one that EC2 documents. */
export function isInstanceState(value: unknown): value is InstanceState {
  return instanceStates.some((state) => state === value);
}

/** Whether there is anything to read members from. */
export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
