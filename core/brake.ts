import { answersBadly, noAnswers, type Ec2Answers } from './ec2-answers.ts';
import { commonFactors, isNewDeath, recentDeaths, tooManyDead, withDeath, type Death } from './deaths.ts';
import type { Policy } from './policy.ts';
import { hasRoom, isQuiet, joined, keptAwake, left, newRamp, type Ramp } from './ramp.ts';
import type { TimeRange } from './time.ts';
import type { Pause } from './workspace.ts';

export const brakeCauses = ['deaths', 'one-reporter', 'ec2', 'canary-failed'] as const;
/** Why the brake opened, for programs. */
export type BrakeCause = (typeof brakeCauses)[number];

/** The one fleet item: who restarts now, what died lately, and whether restarts are stopped. */
export interface Fleet {
  /** Rises with each write; the admission requires the one it has read. */
  readonly revision: number;
  readonly brake: 'closed' | 'open';
  readonly brakeCause?: BrakeCause;
  readonly brakeBecause?: string;
  readonly openedAtMs?: number;
  /** The brake closes by itself from then on; each new death moves it. */
  readonly closesAtMs?: number;
  /** Deaths up to then were answered for when the brake closed. */
  readonly forgivenUntilMs?: number;
  /** Set from the closing of the brake until the fleet's usual cap is reached again. */
  readonly ramp?: Ramp;
  readonly pause?: Pause;
  /** Each admitted claim by its token; its slot is free again after the deadline, whatever happens. */
  readonly admitted: Readonly<Record<string, Slot>>;
  /** What looked dead lately, one entry a workspace. */
  readonly deaths: readonly Death[];
}

export interface Slot {
  readonly workspaceId: string;
  readonly deadlineMs: number;
}

export const emptyFleet: Fleet = { revision: 0, brake: 'closed', admitted: {}, deaths: [] };

/** The fleet item is there and cannot be understood. Nobody is admitted by it (S14). */
export class UnreadableBrakeError extends Error {
  override readonly name = 'UnreadableBrakeError';
}

/** However small the fleet, this many restarts may be under way at once. */
const LEAST_SLOTS = 3;
/** However large: all slots are in one item, which must stay far below DynamoDB's 400 KB. */
const MOST_SLOTS = 500;
/** A slot is free again after this, whatever became of its claim. */
export const SLOT_LIFE_MS = 20 * 60_000;

export type Admission =
  | { readonly kind: 'admitted'; readonly fleet: Fleet }
  | { readonly kind: 'already-admitted' }
  | {
      readonly kind: 'refused';
      readonly why: 'fleet-paused' | 'brake-open' | 'ramping' | 'no-slot';
      /** The fleet item as it must be written, where the refusal changed it. */
      readonly fleet?: Fleet;
    };

/** A claim that asks to go ahead. */
export interface AdmissionRequest {
  readonly token: string;
  readonly workspaceId: string;
  /** Only a dead verdict counts as a death; an operator's order does not. */
  readonly isDeath: boolean;
  readonly forced: boolean;
  readonly diedAtMs: number;
  /** What is known of the death, for the groups. */
  readonly note?: Omit<Death, 'workspaceId' | 'atMs'>;
}

/** What the brake decides by, beside the fleet item itself. */
export interface BrakeView {
  readonly workspaceCount: number;
  readonly policy: Policy;
  /** @default none: EC2 is not in doubt */
  readonly ec2?: Ec2Answers;
}

/**
 * Whether a claim may go ahead. Too many deaths at once say more about the observer than about the fleet: the brake
 * opens and nobody is restarted until it has cooled down (S13), and then one canary first. The caller writes the
 * returned fleet, on condition that its revision is still the one read.
 */
export function admit(
  fleet: Fleet,
  request: AdmissionRequest,
  now: TimeRange,
  { workspaceCount, policy, ec2 = noAnswers }: BrakeView,
): Admission {
  const slots = restartSlots(workspaceCount, policy);
  const ramp = fleet.ramp && fleet.ramp.size < slots ? fleet.ramp : undefined;
  const hasSlot = isSlotLive(fleet, request.token, now);
  if (hasSlot && (request.forced || mayGoAhead(fleet, ramp, request.token)))
    return { kind: 'already-admitted' };
  const isNews = isDeathToNote(fleet, request, now, policy);
  const noted = isNews ? withNoted(fleet, request, now, policy) : fleet;
  const ifNoted = isNews ? { fleet: noted } : {};
  if (request.forced) return admitted(noted, request, now);
  if (fleet.brake === 'open') return { kind: 'refused', why: 'brake-open', ...ifNoted };
  if (isFleetPaused(fleet, now)) return { kind: 'refused', why: 'fleet-paused', ...ifNoted };
  const opening = openingOf(noted, now, { workspaceCount, policy, ec2 });
  if (opening) return { kind: 'refused', why: 'brake-open', fleet: opened(noted, opening, now, policy) };
  if (ramp && !hasRoom(ramp)) return { kind: 'refused', why: 'ramping', ...ifNoted };
  const live = liveSlots(noted.admitted, now);
  if (!hasSlot && Object.keys(live).length >= slots) return { kind: 'refused', why: 'no-slot', ...ifNoted };
  const next = ramp ? { ...noted, ramp: joined(ramp, request.token, now.latestMs) } : withoutRamp(noted);
  return admitted({ ...next, admitted: live }, request, now);
}

/** Whether a death is to be noted; only then is it worth the reads that say what it has in common with others. */
export function isDeathToNote(
  fleet: Fleet,
  { isDeath, workspaceId, diedAtMs }: Pick<AdmissionRequest, 'isDeath' | 'workspaceId' | 'diedAtMs'>,
  now: TimeRange,
  policy: Policy,
): boolean {
  const { forgivenUntilMs } = fleet;
  return (
    isDeath && isNewDeath(fleet.deaths, { workspaceId, atMs: diedAtMs }, { now, policy, forgivenUntilMs })
  );
}

/** How many restarts may be under way at once. */
export function restartSlots(workspaceCount: number, policy: Policy): number {
  const share = Math.floor(policy.maxRestartShare * workspaceCount);
  return Math.min(Math.max(LEAST_SLOTS, share), MOST_SLOTS);
}

/** Whether a claim still has the slot that it was given. What has lapsed may be another's by now (S13). */
export function isSlotLive(fleet: Pick<Fleet, 'admitted'>, token: string, now: TimeRange): boolean {
  const slot = Object.hasOwn(fleet.admitted, token) ? fleet.admitted[token] : undefined;
  return slot !== undefined && now.earliestMs < slot.deadlineMs;
}

/** The fleet without a claim of which nobody knows how it ended: it is neither a good canary nor a bad one. */
export function released(fleet: Fleet, token: string, nowMs = 0): Fleet {
  return {
    ...fleet,
    ...(fleet.ramp && { ramp: left(fleet.ramp, token, false, Math.max(nowMs, fleet.ramp.sinceMs)) }),
    admitted: Object.fromEntries(Object.entries(fleet.admitted).filter(([key]) => key !== token)),
  };
}

/** How a restart ended: `done` widens the ramp, `failed` of a canary opens the brake again, others do neither. */
export interface EndedRestart {
  readonly token: string;
  readonly workspaceId: string;
  readonly outcome: 'done' | 'failed' | 'other';
  readonly because: string;
}

/** The fleet after a restart: its slot given back, the ramp moved on. */
export function afterRestart(fleet: Fleet, end: EndedRestart, now: TimeRange, policy: Policy): Fleet {
  const { token, workspaceId, outcome, because } = end;
  const { ramp } = fleet;
  if (!ramp?.running.includes(token) || outcome === 'other') return released(fleet, token, now.latestMs);
  const rest = released(fleet, token, now.latestMs);
  if (outcome === 'done') return { ...rest, ramp: left(ramp, token, true, now.latestMs) };
  return opened(
    rest,
    { cause: 'canary-failed', because: `the restart of ${workspaceId} failed: ${because}` },
    now,
    policy,
  );
}

/** The fleet after a look by the sweep: slots freed, the brake opened or closed, the ramp ended. Undefined: no change. */
export function swept(
  fleet: Fleet,
  now: TimeRange,
  policy: Policy,
  { workspaceCount, ec2 = noAnswers }: Omit<BrakeView, 'policy'>,
): Fleet | undefined {
  const admittedNow = liveSlots(fleet.admitted, now);
  const isFreed = Object.keys(admittedNow).length < Object.keys(fleet.admitted).length;
  const next = isFreed ? { ...fleet, admitted: admittedNow } : fleet;
  const changed = isFreed ? next : undefined;
  if (fleet.brake === 'open') {
    // Closed while EC2 is in doubt it would only open again, with a second page.
    // Never sooner than it was to close: a sweep may come out of a sandbox that stood still.
    if (answersBadly(ec2, policy))
      return { ...next, closesAtMs: Math.max(now.latestMs + policy.brakeWindowMs, fleet.closesAtMs ?? 0) };
    return now.earliestMs >= (fleet.closesAtMs ?? Infinity) ? closed(next, now) : changed;
  }
  if (answersBadly(ec2, policy)) return opened(next, ec2Opening(ec2), now, policy);
  if (!fleet.ramp) return changed;
  const stalled = fleet.ramp.running.find((token) => !Object.hasOwn(admittedNow, token));
  if (stalled !== undefined) {
    const workspaceId = fleet.admitted[stalled]?.workspaceId ?? 'a workspace';
    const because = `the restart of ${workspaceId} did not end in time`;
    return opened(next, { cause: 'canary-failed', because }, now, policy);
  }
  if (fleet.ramp.size >= restartSlots(workspaceCount, policy)) return withoutRamp(next);
  // Nobody may go ahead while the fleet is paused; who waits is there all the same, and the way back is still ahead.
  if (isFleetPaused(fleet, now)) return { ...next, ramp: keptAwake(fleet.ramp, now.latestMs) };
  return isQuiet(fleet.ramp, now.earliestMs) ? withoutRamp(next) : changed;
}

/**
 * The fleet with its brake closed and the deaths that opened it forgiven: whoever still waits is let through by the
 * ramp. A brake that is closed already is left alone, with the ramp that it may have.
 */
export function closed(fleet: Fleet, now: TimeRange): Fleet {
  if (fleet.brake === 'closed') return fleet;
  const {
    brakeCause: _cause,
    brakeBecause: _because,
    openedAtMs: _opened,
    closesAtMs: _closes,
    ...rest
  } = fleet;
  return {
    ...rest,
    brake: 'closed',
    deaths: [],
    forgivenUntilMs: now.latestMs,
    ramp: newRamp(now.latestMs),
  };
}

/** Whether an operator has paused all restarts. */
export function isFleetPaused(fleet: Fleet, now: TimeRange): boolean {
  return (
    fleet.pause !== undefined && (fleet.pause.untilMs === undefined || now.earliestMs < fleet.pause.untilMs)
  );
}

interface Opening {
  readonly cause: BrakeCause;
  readonly because: string;
}

/** A slot from before the brake opened is not enough while the ramp lasts: its claim takes its turn like all others. */
function mayGoAhead(fleet: Fleet, ramp: Ramp | undefined, token: string): boolean {
  return fleet.brake === 'open' || ramp === undefined || ramp.running.includes(token);
}

function openingOf(
  fleet: Fleet,
  now: TimeRange,
  { workspaceCount, policy, ec2 = noAnswers }: BrakeView,
): Opening | undefined {
  if (answersBadly(ec2, policy)) return ec2Opening(ec2);
  // Only those that are restarted are seen to die here; the share is one of them, not of those that are observed.
  const watchedCount = workspaceCount * (policy.enforcePercent / 100);
  return tooManyDead(recentDeaths(fleet.deaths, now, policy), watchedCount, policy);
}

function ec2Opening({ answered, failed }: Ec2Answers): Opening {
  return { cause: 'ec2', because: `${failed} of ${answered + failed} calls to EC2 failed or were throttled` };
}

function withNoted(fleet: Fleet, request: AdmissionRequest, now: TimeRange, policy: Policy): Fleet {
  const death = { workspaceId: request.workspaceId, atMs: request.diedAtMs, ...request.note };
  const noted: Fleet = {
    ...fleet,
    deaths: withDeath(fleet.deaths, death, now, policy),
    admitted: liveSlots(fleet.admitted, now),
  };
  // The storm is not over as long as they go on dying (V9).
  return fleet.brake === 'open' && fleet.closesAtMs !== undefined
    ? { ...noted, closesAtMs: Math.max(fleet.closesAtMs, request.diedAtMs + policy.brakeWindowMs) }
    : noted;
}

function admitted(fleet: Fleet, { token, workspaceId }: AdmissionRequest, now: TimeRange): Admission {
  const slot = { workspaceId, deadlineMs: now.latestMs + SLOT_LIFE_MS };
  return { kind: 'admitted', fleet: { ...fleet, admitted: { ...fleet.admitted, [token]: slot } } };
}

/** Opened anew: whatever ramp there was begins again with one canary. */
function opened(fleet: Fleet, { cause, because }: Opening, now: TimeRange, policy: Policy): Fleet {
  const common = commonFactors(recentDeaths(fleet.deaths, now, policy));
  return {
    ...withoutRamp(fleet),
    brake: 'open',
    brakeCause: cause,
    brakeBecause: common === '' ? because : `${because}; in common: ${common}`,
    openedAtMs: now.latestMs,
    closesAtMs: now.latestMs + policy.brakeWindowMs,
  };
}

function withoutRamp({ ramp: _ramp, ...fleet }: Fleet): Fleet {
  return fleet;
}

function liveSlots(slots: Fleet['admitted'], now: TimeRange): Fleet['admitted'] {
  return Object.fromEntries(Object.entries(slots).filter(([, slot]) => now.earliestMs < slot.deadlineMs));
}
