/** Registering, changing and removing a workspace. */
import { problem, type Answer } from '../../core/answer.ts';
import { settingsProblems, withOverrides, type WorkspaceSettings } from '../../core/policy.ts';
import { endRequest, type EndPorts } from '../deliver/end.ts';
import { impatient } from '../deliver/patience.ts';
import { policyFor } from '../judging/policies.ts';
import { wake } from '../parking/wake.ts';
import type { Registration, SettleWindow } from '../ports/registry.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';
import { InvalidInputError, readBody, readValue, type ApiCall } from '../runtime/api-call.ts';
import { removeQuery, workspaceBody } from '../schemas/api.ts';
import {
  changedMeanwhile,
  findWorkspace,
  isAnswer,
  showWorkspace,
  WORK_AT_MOST_MS,
  workspaceIdOf,
  type OperatePorts,
} from './subject.ts';

export async function registerWorkspace(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const registration = readRegistration(call, ports);
  const { workspaceId } = registration;
  const { value: before } = await ports.workspaces.read(workspaceId);
  const isNewInstance = typeof before !== 'object' || before.instanceId !== registration.instanceId;
  let launchTimeMs = 0;
  if (isNewInstance) {
    const found = await findInstance(ports, registration.instanceId);
    if ('refusal' in found) return found.refusal;
    launchTimeMs = found.launchTimeMs;
  }
  const settles = {
    fromMs: call.now.latestMs,
    untilMs: settleUntil(call, ports, registration, launchTimeMs),
  };
  const written =
    before === 'malformed'
      ? await mend(ports, registration, settles)
      : await ports.registry.register(registration, before, settles);
  if (written === 'conflict') return changedMeanwhile();
  await announceSuperseded(ports, before, isNewInstance);
  const wasReady = before === 'absent' || (before !== 'malformed' && before.desired === 'running');
  if (!wasReady && registration.desired === 'running') {
    await wake(ports, workspaceId, ports.clock.nowMs());
  }
  return showWorkspace(ports, call, workspaceId, before === 'absent' ? 201 : 200);
}

/** What cannot be read nobody else mends: every other call about the workspace fails until it is registered again. */
async function mend(
  ports: OperatePorts,
  registration: Registration,
  settles: SettleWindow,
): Promise<'written' | 'conflict'> {
  const written = await ports.registry.mend(registration, settles);
  if (written === 'newer-version') throw new Error('the workspace is of a newer version');
  if (written === 'written') {
    ports.log.warn('workspace replaced that could not be read', { workspaceId: registration.workspaceId });
  }
  return written;
}

function readRegistration(call: ApiCall, ports: OperatePorts): Registration {
  const workspaceId = workspaceIdOf(call);
  const body = readBody(call, workspaceBody);
  const settings = body.policy as Partial<WorkspaceSettings> | undefined;
  const problems = settingsProblems(withOverrides(ports.settings, settings));
  if (problems.length > 0) {
    throw new InvalidInputError(problems.map((text) => ({ field: 'policy', problem: text })));
  }
  return {
    workspaceId,
    instanceId: body.instanceId,
    port: body.port,
    protocol: body.protocol ?? 'http',
    path: body.path ?? '/',
    desired: body.desired ?? 'running',
    ...(settings && { settings }),
  };
}

/** Only an instance that EC2 knows, and that carries the fleet's tag, can become a workspace. */
async function findInstance(
  ports: OperatePorts,
  instanceId: string,
): Promise<{ launchTimeMs: number } | { refusal: Answer }> {
  const look = (await ports.ec2.look([instanceId])).get(instanceId);
  if (look?.probe.kind !== 'seen') {
    const isAbsent =
      look?.probe.kind === 'unknown' && (look.probe.cause === 'absent' || look.probe.cause === 'not-found');
    return {
      refusal: isAbsent
        ? problem('invalid-input', 'instanceId is not an instance that EC2 knows here', {
            errors: [{ field: 'instanceId', problem: 'is not an instance that EC2 knows here' }],
          })
        : problem('ec2-unavailable', 'EC2 did not answer, so the instance could not be checked. Try again.', {
            retryAfterSeconds: 5,
          }),
    };
  }
  const { Key, Value } = ports.workspaceTag;
  if (look.tags[Key] !== Value) {
    return {
      refusal: problem('forbidden', `The instance does not carry the tag ${Key}=${Value} of this fleet.`),
    };
  }
  return { launchTimeMs: look.probe.launchTimeMs ?? 0 };
}

function settleUntil(
  call: ApiCall,
  ports: OperatePorts,
  registration: Registration,
  launchTimeMs: number,
): number {
  const policy = policyFor(withOverrides(ports.settings, registration.settings), 'absent');
  return Math.max(call.now.latestMs, launchTimeMs) + policy.settleWindowMs;
}

/** A new instance closed an open claim in the same write; its restart is over. */
async function announceSuperseded(
  ports: OperatePorts,
  before: StoredWorkspace,
  isNewInstance: boolean,
): Promise<void> {
  if (!isNewInstance || typeof before !== 'object' || !before.claim) return;
  await ports.events.publish('restart.failed', {
    workspaceId: before.workspaceId,
    instanceId: before.instanceId,
    token: before.claim.token,
    reason: 'superseded',
  });
}

export async function removeWorkspace(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const { parked: parkedChoice } = readValue(call.query, removeQuery, 'query');
  const workspaceId = workspaceIdOf(call);
  const untilMs = ports.clock.nowMs() + WORK_AT_MOST_MS;
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  const parked = await ports.ledger.parkedCount(workspaceId);
  if (parked > 0 && parkedChoice !== 'refuse') {
    return problem(
      'conflict',
      `${parked} requests are parked for it. Add ?parked=refuse to end them as refused.`,
    );
  }
  if ((await ports.registry.remove(found)) === 'conflict') return changedMeanwhile();
  await announceSuperseded(ports, found, true);
  await refuseParked({ ...ports, events: impatient(ports.events) }, workspaceId, untilMs);
  return { status: 204, headers: {} };
}

/**
 * Ends what is parked for a workspace that is no more. What the index does not show yet, and what there is no time for,
 * deliver ends in the same way as it comes.
 */
async function refuseParked(ports: EndPorts, workspaceId: string, untilMs: number): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await ports.ledger.listRequests(workspaceId, {
      limit: 100,
      ended: false,
      ...(cursor !== undefined && { cursor }),
    });
    for (const request of page.requests) {
      if (ports.clock.nowMs() >= untilMs) {
        ports.log.info('requests left for deliver to end', { workspaceId });
        return;
      }
      if (request.state !== 'parked') continue;
      await endRequest(ports, request, { state: 'refused', why: 'workspace-removed', onlyFrom: 'parked' });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}
