/** A workspace as an item of the table: how it is written, and how it is read with suspicion. */
import * as z from 'zod/mini';
import { claimSteps, type Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';

/** Items of a newer schema are not understood, and what is not understood is never judged dead (S32). */
export const ITEM_VERSION = 1;

const instant = z.number().check(z.minimum(0));
const count = z.number().check(z.int(), z.minimum(0));
const text = z.string();

const heartbeat = z.object({
  atMs: instant,
  seq: count,
  bootId: text,
  intervalMs: instant,
  declaresInterval: z.optional(z.boolean()),
  activeTasks: count,
  busyUntilMs: z.optional(instant),
});
const evidence = z.object({
  kind: z.enum(['stopped', 'silent']),
  verdictId: text,
  atMs: instant,
  generation: count,
  instanceId: text,
  bootId: z.optional(text),
  seq: z.optional(count),
  launchTimeMs: z.optional(instant),
  round: count,
});
/** Loose: a claim is written anew as a whole, and what a newer version keeps in it must survive that (S32). */
const claim = z.looseObject({
  token: text,
  kind: z.enum(['dead', 'silent', 'operator']),
  reason: text,
  step: z.enum(claimSteps),
  attempt: count,
  starts: z.optional(count),
  epoch: count,
  nonce: z.optional(text),
  sinceMs: instant,
  notBeforeMs: z.optional(instant),
  waitsFor: z.optional(z.enum(['back-off', 'capacity', 'throttle'])),
  deadlineMs: instant,
  instanceId: text,
  launchTimeMs: z.optional(instant),
  bootId: z.optional(text),
  stopLeaseUntilMs: z.optional(instant),
  settleUntilMs: z.optional(instant),
  heardAtMs: z.optional(instant),
  heardBootId: z.optional(text),
  softUntilMs: z.optional(instant),
  startedAtMs: z.optional(instant),
  forced: z.boolean(),
});

const pause = z.object({ by: text, reason: text, untilMs: z.optional(instant) });
const finding = { verdictId: text, atMs: instant };

const workspaceItem = z.object({
  v: z.literal(ITEM_VERSION),
  workspaceId: text,
  instanceId: text,
  port: count,
  protocol: z.enum(['http', 'https']),
  path: text,
  desired: z.enum(['running', 'stopped']),
  settings: z.optional(z.record(text, z.unknown())),
  generation: count,
  firstGeneration: z.optional(count),
  pause: z.optional(pause),
  settleUntilMs: instant,
  settleFromMs: z.optional(instant),
  settleBecause: text,
  freshUntilMs: instant,
  heartbeat: z.optional(heartbeat),
  retiredBootId: z.optional(text),
  previousBootId: z.optional(text),
  previousSeq: z.optional(count),
  evidence: z.optional(evidence),
  claim: z.optional(claim),
  gone: z.optional(z.object({ ...finding, instanceId: text })),
  quarantine: z.optional(z.object({ ...finding, because: text })),
  withheld: z.optional(z.object(finding)),
  lastStopMs: z.optional(instant),
  endedBy: z.optional(text),
  recentRestartsMs: z.array(instant),
});

/** Reads an item. A removed workspace leaves a tombstone, which keeps the generation: it reads as absent. */
export function readWorkspaceItem(item: Record<string, unknown> | undefined): StoredWorkspace {
  if (item === undefined || item['removed'] === true) return 'absent';
  const result = workspaceItem.safeParse(item);
  if (!result.success) return 'malformed';
  const { v: _version, ...workspace } = result.data;
  return workspace as Workspace;
}

/** The pause of an item that cannot be read otherwise. */
export function readPause(stored: unknown): Workspace['pause'] {
  const result = pause.safeParse(stored);
  return result.success ? (result.data as Workspace['pause']) : undefined;
}
