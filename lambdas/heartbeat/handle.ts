/**
 * A sign of life. It counts only for the instance that the caller's own session names, for one boot of it, and with
 * a sequence that rises; late, replayed and foreign beats change nothing, and the answer says why.
 */
import { problem, type Answer } from '../../core/answer.ts';
import { decideBeat, DEFAULT_INTERVAL_MS, freshUntilOf, type Beat } from '../../core/heartbeat.ts';
import { assertNever } from '../../core/invariant.ts';
import { whyNotReady } from '../../core/readiness.ts';
import { policyOf, type Policy, type PolicySettings } from '../../core/policy.ts';
import type { Workspace } from '../../core/workspace.ts';
import { policyFor } from '../judging/policies.ts';
import { wake, type WakePorts } from '../parking/wake.ts';
import type { BeatStamp, BeatWrite, StoredWorkspace, WorkspaceStore } from '../ports/workspaces.ts';
import { InvalidInputError, readBody, readValue, type ApiCall } from '../runtime/api-call.ts';
import { heartbeatBody, LATEST_BUSY_UNTIL_MS, workspaceId as workspaceIdSchema } from '../schemas/api.ts';

export interface HeartbeatPorts extends WakePorts {
  readonly workspaces: Pick<WorkspaceStore, 'recordBeat' | 'recordFirstBeat' | 'recordHeard'>;
  readonly settings: PolicySettings;
}

export async function handleHeartbeat(call: ApiCall, ports: HeartbeatPorts): Promise<Answer> {
  const workspaceId = readValue(call.params['workspaceId'], workspaceIdSchema, 'workspaceId');
  const beat = readBeat(call);
  const instanceId = call.caller.session ?? '';
  const atMs = call.gatewayTimeMs;
  // The fleet's window at first: the workspace's own settings are not known before it is read.
  const freshUntilMs = freshUntilOf(beat, atMs, policyOf(ports.settings));
  const stamp: BeatStamp = { instanceId, atMs, freshUntilMs, window: 'fleet' };
  const first = await ports.workspaces.recordBeat(workspaceId, beat, stamp);
  if (first.kind === 'written') return accepted(ports, call, first, beat);
  return secondTry(ports, call, first.workspace, beat, stamp);
}

/** The usual write was refused. Why decides: a new boot, a longer lease still running, or a beat that does not count. */
async function secondTry(
  ports: HeartbeatPorts,
  call: ApiCall,
  workspace: StoredWorkspace,
  beat: Beat,
  stamp: BeatStamp,
): Promise<Answer> {
  const workspaceId = call.params['workspaceId'] ?? '';
  if (workspace === 'absent')
    return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  if (workspace === 'malformed') throw new Error('the workspace cannot be read by this version');
  const decision = decideBeat(workspace, beat, stamp);
  const policy = policyFor(ports.settings, workspace);
  // A lease that reaches further than this beat stays: freshness never moves back (S17).
  const freshUntilMs = Math.max(freshUntilOf(beat, stamp.atMs, policy), workspace.freshUntilMs);
  const own: BeatStamp = { ...stamp, freshUntilMs, window: 'own' };
  switch (decision.kind) {
    case 'refused':
      if (decision.heard && workspace.claim) {
        await ports.workspaces.recordHeard(workspaceId, workspace.claim.token, {
          atMs: stamp.atMs,
          bootId: beat.bootId,
        });
      }
      return refused(decision.why);
    case 'same-boot':
      return written(ports, call, beat, await ports.workspaces.recordBeat(workspaceId, beat, own));
    case 'new-boot':
      return written(ports, call, beat, await ports.workspaces.recordFirstBeat(workspace, beat, own));
    default:
      return assertNever(decision);
  }
}

function written(
  ports: HeartbeatPorts,
  call: ApiCall,
  beat: Beat,
  write: BeatWrite,
): Promise<Answer> | Answer {
  if (write.kind === 'written') return accepted(ports, call, write, beat);
  // Something changed twice within one beat; the next beat is a few seconds away.
  return problem('conflict', 'The workspace changed while the heartbeat was recorded. Beat again.');
}

/** The change to ready, and only that, wakes the first parked request; where nobody knows whether it was one, too. */
async function accepted(
  ports: HeartbeatPorts,
  call: ApiCall,
  { before, isRepeat = false }: Extract<BeatWrite, { kind: 'written' }>,
  beat: Beat,
): Promise<Answer> {
  const policy = policyFor(ports.settings, before);
  if (isRepeat || becomesReady(before, beat, call.gatewayTimeMs, policy)) {
    await wake(ports, before.workspaceId, call.gatewayTimeMs);
  }
  return { status: 204, headers: {} };
}

function becomesReady(before: Workspace, beat: Beat, atMs: number, policy: Policy): boolean {
  const at = (ms: number) => ({ earliestMs: ms, latestMs: ms });
  const after: Workspace = {
    ...before,
    heartbeat: {
      atMs,
      seq: beat.seq,
      bootId: beat.bootId,
      intervalMs: beat.intervalMs,
      activeTasks: beat.activeTasks,
    },
    freshUntilMs: Math.max(before.freshUntilMs, freshUntilOf(beat, atMs, policy)),
  };
  const wasReady =
    before.heartbeat !== undefined && whyNotReady(before, at(before.heartbeat.atMs), policy) === undefined;
  return !wasReady && whyNotReady(after, at(atMs), policy) === undefined;
}

function readBeat(call: ApiCall): Beat {
  const body = readBody(call, heartbeatBody);
  const busyUntilMs = body.busyUntil === undefined ? undefined : Date.parse(body.busyUntil);
  if (busyUntilMs !== undefined && busyUntilMs > call.gatewayTimeMs + LATEST_BUSY_UNTIL_MS) {
    throw new InvalidInputError([{ field: 'busyUntil', problem: 'is more than 15 minutes ahead' }]);
  }
  return {
    bootId: body.bootId,
    seq: body.seq,
    declaresInterval: body.intervalSeconds !== undefined,
    intervalMs: body.intervalSeconds === undefined ? DEFAULT_INTERVAL_MS : body.intervalSeconds * 1000,
    activeTasks: body.activeTasks ?? 0,
    ...(busyUntilMs !== undefined && { busyUntilMs }),
  };
}

function refused(why: 'wrong-instance' | 'replayed' | 'retired-boot' | 'before-start'): Answer {
  switch (why) {
    case 'wrong-instance':
      return problem('wrong-instance', 'The caller is not the instance of this workspace.');
    case 'replayed':
      return problem('conflict', 'This beat, or a later one, was recorded before.', { why });
    case 'retired-boot':
      return problem('conflict', 'A restart has retired this boot; its beats no longer count.', { why });
    case 'before-start':
      return problem('conflict', 'A restart is under way, and this boot began before its Start.', { why });
    default:
      return assertNever(why);
  }
}
