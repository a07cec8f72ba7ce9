import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';
import type { Pause } from './workspace.ts';

/** The one fleet item: who restarts now, what died lately, and whether restarts are stopped. */
export interface Fleet {
  /** Rises with each write; the admission requires the one it has read. */
  readonly revision: number;
  readonly brake: 'closed' | 'open';
  readonly brakeBecause?: string;
  readonly openedAtMs?: number;
  /** The brake closes by itself from then on. */
  readonly closesAtMs?: number;
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

export interface Death {
  readonly workspaceId: string;
  readonly atMs: number;
}

export const emptyFleet: Fleet = { revision: 0, brake: 'closed', admitted: {}, deaths: [] };

/** However small the fleet, this many restarts may be under way at once. */
const LEAST_SLOTS = 3;
/** A slot is free again after this, whatever became of its claim. */
export const SLOT_LIFE_MS = 20 * 60_000;

export type Admission =
  | { readonly kind: 'admitted'; readonly fleet: Fleet }
  | { readonly kind: 'already-admitted' }
  | {
      readonly kind: 'refused';
      readonly why: 'fleet-paused' | 'brake-open' | 'no-slot';
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
}

/**
 * Whether a claim may go ahead. Too many deaths at once say more about the observer than about the fleet: the brake
 * opens and nobody is restarted until it has cooled down (S13). The caller writes the returned fleet, on condition
 * that its revision is still the one read.
 */
export function admit(
  fleet: Fleet,
  request: AdmissionRequest,
  now: TimeRange,
  { workspaceCount, policy }: { workspaceCount: number; policy: Policy },
): Admission {
  if (Object.hasOwn(fleet.admitted, request.token)) return { kind: 'already-admitted' };
  if (fleet.brake === 'open' && !request.forced) return { kind: 'refused', why: 'brake-open' };
  const deaths = request.isDeath ? withDeath(recentDeaths(fleet.deaths, now, policy), request) : fleet.deaths;
  const noted: Fleet = { ...fleet, deaths, admitted: liveSlots(fleet.admitted, now) };
  if (request.forced) return admitted(noted, request, now);
  const notedIfNew = deaths === fleet.deaths ? {} : { fleet: noted };
  if (isFleetPaused(fleet, now)) return { kind: 'refused', why: 'fleet-paused', ...notedIfNew };
  if (deaths.length > Math.max(policy.brakeMinimum, policy.brakeShare * workspaceCount)) {
    return { kind: 'refused', why: 'brake-open', fleet: opened(noted, now, policy) };
  }
  if (Object.keys(noted.admitted).length >= restartSlots(workspaceCount, policy))
    return { kind: 'refused', why: 'no-slot', ...notedIfNew };
  return admitted(noted, request, now);
}

/** How many restarts may be under way at once. */
export function restartSlots(workspaceCount: number, policy: Policy): number {
  return Math.max(LEAST_SLOTS, Math.floor(policy.maxRestartShare * workspaceCount));
}

/** The fleet without a claim that has ended. */
export function released(fleet: Fleet, token: string): Fleet {
  return {
    ...fleet,
    admitted: Object.fromEntries(Object.entries(fleet.admitted).filter(([key]) => key !== token)),
  };
}

/** The fleet after a look by the sweep: old slots freed, a brake that has cooled down closed. Undefined: no change. */
export function swept(fleet: Fleet, now: TimeRange, policy: Policy): Fleet | undefined {
  const admittedNow = liveSlots(fleet.admitted, now);
  const cooledDown = fleet.brake === 'open' && now.earliestMs >= (fleet.closesAtMs ?? Infinity);
  if (!cooledDown && Object.keys(admittedNow).length === Object.keys(fleet.admitted).length) return undefined;
  const next = { ...fleet, admitted: admittedNow };
  return cooledDown ? closed({ ...next, deaths: recentDeaths(fleet.deaths, now, policy) }) : next;
}

/** The fleet with its brake closed, and the deaths that opened it forgiven. */
export function closed(fleet: Fleet): Fleet {
  const { brakeBecause: _because, openedAtMs: _opened, closesAtMs: _closes, ...rest } = fleet;
  return { ...rest, brake: 'closed', deaths: [] };
}

/** Whether an operator has paused all restarts. */
export function isFleetPaused(fleet: Fleet, now: TimeRange): boolean {
  return (
    fleet.pause !== undefined && (fleet.pause.untilMs === undefined || now.earliestMs < fleet.pause.untilMs)
  );
}

function admitted(fleet: Fleet, { token, workspaceId }: AdmissionRequest, now: TimeRange): Admission {
  const slot = { workspaceId, deadlineMs: now.latestMs + SLOT_LIFE_MS };
  return { kind: 'admitted', fleet: { ...fleet, admitted: { ...fleet.admitted, [token]: slot } } };
}

function opened(fleet: Fleet, now: TimeRange, policy: Policy): Fleet {
  return {
    ...fleet,
    brake: 'open',
    brakeBecause: `${fleet.deaths.length} workspaces looked dead within ${policy.brakeWindowMs / 1000} s`,
    openedAtMs: now.latestMs,
    closesAtMs: now.latestMs + policy.brakeWindowMs,
  };
}

function recentDeaths(deaths: readonly Death[], now: TimeRange, policy: Policy): readonly Death[] {
  return deaths.filter((death) => death.atMs > now.earliestMs - policy.brakeWindowMs);
}

function withDeath(deaths: readonly Death[], request: AdmissionRequest): readonly Death[] {
  const others = deaths.filter((death) => death.workspaceId !== request.workspaceId);
  return [...others, { workspaceId: request.workspaceId, atMs: request.diedAtMs }];
}

function liveSlots(slots: Fleet['admitted'], now: TimeRange): Fleet['admitted'] {
  return Object.fromEntries(Object.entries(slots).filter(([, slot]) => now.earliestMs < slot.deadlineMs));
}
