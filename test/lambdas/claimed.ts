/** The workspace between its first sighting and the end of its restart. */
import type { ReprobeMessage, RestartMessage } from '../../core/messages.ts';
import type { Claim, Evidence, Heartbeat, Workspace } from '../../core/workspace.ts';
import { aClaim, aStoredWorkspace, NOW_MS } from './mocked-aws.ts';

export const INSTANCE = 'i-0123456789abcdef0';
export const LAUNCHED_MS = NOW_MS - 7_200_000;
export const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';
export const TOKEN = aClaim().token;

/** The first sighting, two seconds ago. */
export function evidenceOf(changes: Partial<Evidence> = {}): Evidence {
  return {
    kind: 'stopped',
    verdictId: VERDICT,
    atMs: NOW_MS - 2000,
    generation: 3,
    instanceId: INSTANCE,
    bootId: 'boot-a',
    seq: 41,
    launchTimeMs: LAUNCHED_MS,
    round: 0,
    ...changes,
  };
}

/** A claim that knows which boot it condemns. */
export function open(changes: Partial<Claim> = {}): Claim {
  return { ...aClaim(), launchTimeMs: LAUNCHED_MS, bootId: 'boot-a', ...changes };
}

/** The workspace under such a claim. */
export function claimed(claim: Partial<Claim> = {}, changes: Partial<Workspace> = {}): Workspace {
  return aStoredWorkspace({ generation: 4, retiredBootId: 'boot-a', claim: open(claim), ...changes });
}

/** A Start of twenty seconds ago, which is known to have succeeded. */
export const started: Partial<Claim> = {
  step: 'starting',
  attempt: 1,
  starts: 1,
  startedAtMs: NOW_MS - 20_000,
};

/** The first beat of the boot after the condemned one, a second ago. */
export const newBeat: Heartbeat = {
  atMs: NOW_MS - 1000,
  seq: 1,
  bootId: 'boot-b',
  intervalMs: 5000,
  activeTasks: 0,
};

/** The message that works on the claim. */
export function aRestartMessage(changes: Partial<RestartMessage> = {}): RestartMessage {
  return {
    v: 1,
    kind: 'restart',
    workspaceId: 'ws-1',
    instanceId: INSTANCE,
    generation: 4,
    epoch: 0,
    token: TOKEN,
    ...changes,
  };
}

/** The message that asks for a second look. */
export function aReprobeMessage(changes: Partial<ReprobeMessage> = {}): ReprobeMessage {
  return {
    v: 1,
    kind: 'reprobe',
    workspaceId: 'ws-1',
    instanceId: INSTANCE,
    generation: 3,
    epoch: 0,
    verdictId: VERDICT,
    errorKind: 'refused',
    ...changes,
  };
}

/** The receipt of a verdict as an item of the table: by default of {@link VERDICT}, which is still pending. */
export function receiptItem(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const receipt = {
    verdictId: VERDICT,
    workspaceId: 'ws-1',
    verdict: 'pending',
    reason: 'suspect',
    looks: [],
    flip: [],
    ...changes,
  };
  return { pk: 'WS#ws-1', sk: `VERDICT#${receipt.verdictId}`, receipt };
}
