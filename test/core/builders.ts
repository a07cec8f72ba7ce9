/**
 * Builders for tests of the core. Each gives the plainest thing of its kind that is whole and beyond doubt: a
 * workspace that has run for long and whose agent has gone quiet. A test names only what it is about.
 */
import type { Fleet } from '../../core/brake.ts';
import type { Facts, JudgedWorkspace, Probe } from '../../core/facts.ts';
import { judgedPart } from '../../core/facts.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { defaultSettings, policyOf, type Policy } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Claim, Evidence, Heartbeat, InstanceState, Workspace } from '../../core/workspace.ts';

export const NOW_MS = Date.parse('2026-11-24T12:00:00Z');
export const INSTANCE = 'i-0123456789abcdef0';
export const OTHER_INSTANCE = 'i-0fedcba9876543210';
export const BOOT = 'boot-1';
/** Two hours ago: long past every window. */
export const LAUNCHED_MS = NOW_MS - 7_200_000;

/** The policy that holds where nobody says otherwise. */
export const policy: Policy = policyOf(defaultSettings);

/** A time that is known exactly, or the range between two clocks. */
export function at(earliestMs: number, latestMs = earliestMs): TimeRange {
  return { earliestMs, latestMs };
}

/** Runs on one instance since two hours; settled for long; its last beat is five minutes old. */
export function aWorkspace(overrides: Partial<Workspace> = {}): Workspace {
  return {
    workspaceId: 'ws-1',
    instanceId: INSTANCE,
    port: 8080,
    protocol: 'http',
    path: '',
    desired: 'running',
    generation: 3,
    settleUntilMs: NOW_MS - 3_600_000,
    settleBecause: 'registration',
    freshUntilMs: NOW_MS - 285_000,
    heartbeat: aHeartbeat(),
    recentRestartsMs: [],
    ...overrides,
  };
}

/** A workspace whose agent has never given a sign of life. */
export function aMuteWorkspace(overrides: Partial<Workspace> = {}): Workspace {
  const { heartbeat: _heartbeat, ...mute } = aWorkspace();
  return { ...mute, freshUntilMs: 0, ...overrides };
}

/** A beat of five minutes ago. */
export function aHeartbeat(overrides: Partial<Heartbeat> = {}): Heartbeat {
  return { atMs: NOW_MS - 300_000, seq: 41, bootId: BOOT, intervalMs: 5000, activeTasks: 0, ...overrides };
}

/** A first sighting of {@link aWorkspace}, two seconds ago. */
export function anEvidence(overrides: Partial<Evidence> = {}): Evidence {
  return {
    kind: 'stopped',
    verdictId: 'verdict-1',
    atMs: NOW_MS - 2000,
    generation: 3,
    instanceId: INSTANCE,
    bootId: BOOT,
    seq: 41,
    launchTimeMs: LAUNCHED_MS,
    round: 0,
    ...overrides,
  };
}

/** A first sighting, two seconds ago, by a look that did not say when the instance was launched. */
export function evidenceWithoutLaunch(): Evidence {
  const { launchTimeMs: _launchTimeMs, ...evidence } = anEvidence();
  return evidence;
}

/** A claim by a verdict, admitted a moment ago, that has done nothing yet. */
export function aClaim(overrides: Partial<Claim> = {}): Claim {
  return {
    token: 'verdict-1',
    kind: 'dead',
    reason: 'stopped',
    step: 'admitted',
    attempt: 0,
    epoch: 0,
    sinceMs: NOW_MS,
    deadlineMs: NOW_MS + 15 * 60_000,
    instanceId: INSTANCE,
    launchTimeMs: LAUNCHED_MS,
    bootId: BOOT,
    forced: false,
    ...overrides,
  };
}

/** A probe that saw the instance in a state. */
export function seen(state: InstanceState, overrides: Partial<Extract<Probe, { kind: 'seen' }>> = {}): Probe {
  return { kind: 'seen', state, instanceId: INSTANCE, launchTimeMs: LAUNCHED_MS, ...overrides };
}

/** A probe that does not say when the instance was launched. */
export function seenWithoutLaunch(state: InstanceState): Probe {
  return { kind: 'seen', state, instanceId: INSTANCE };
}

/** An answer that is unclear and carries a state all the same: no type of ours allows it, a fault may. */
export function contradictory(probe: Probe): Probe {
  return { ...probe, kind: 'unknown', cause: 'error' } as unknown as Probe;
}

export const notMade: Probe = { kind: 'not-made' };

/** Facts about a workspace, the whole one or its judged part. By default: seen stopped, by the caller, just now. */
export function facts(
  workspace: Workspace | JudgedWorkspace | 'unknown' | 'malformed' = aWorkspace(),
  overrides: Partial<Omit<Facts, 'workspace'>> = {},
): Facts {
  return {
    now: at(NOW_MS),
    clock: 'agrees',
    asker: 'caller',
    workspace: typeof workspace === 'object' && 'port' in workspace ? judgedPart(workspace) : workspace,
    probe: seen('stopped'),
    ...overrides,
  };
}

/** Facts from which nothing is missing for `dead`: the second sighting, by the re-probe, two seconds after the first. */
export function deadlyFacts(overrides: Partial<Omit<Facts, 'workspace'>> = {}): Facts {
  return facts(aWorkspace({ evidence: anEvidence() }), { asker: 'reprobe', ...overrides });
}

/** A request that is parked, waits for its first delivery, and expires in an hour. */
export function aRequest(overrides: Partial<ParkedRequest> = {}): ParkedRequest {
  return {
    requestId: 'request-1',
    workspaceId: 'ws-1',
    caller: 'role/proxy',
    state: 'parked',
    attempts: 0,
    bodyBytes: 20,
    acceptedAtMs: NOW_MS - 1000,
    parkedAtMs: NOW_MS - 900,
    expiresAtMs: NOW_MS + 3_600_000,
    ambiguous: false,
    whenDead: 'refuse',
    errorClass: 'agent-restarting',
    enqueueNo: 1,
    ...overrides,
  };
}

/** A fleet with its brake closed and nothing under way. */
export function aFleet(overrides: Partial<Fleet> = {}): Fleet {
  return { revision: 7, brake: 'closed', admitted: {}, deaths: [], ...overrides };
}

/** The same value, frozen to its last leaf: whoever writes to it throws. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFrozen(member);
  return Object.freeze(value);
}
