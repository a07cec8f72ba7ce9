/** A restart by an operator's order: the same claim, engine and guards as for a dead one, but no evidence. */
import { json, problem, type Answer } from '../../core/answer.ts';
import { prepareClaim, type ClaimOrder } from '../../core/claim.ts';
import { firstAnswerLifeMs } from '../../core/idempotency.ts';
import { MESSAGE_VERSION } from '../../core/messages.ts';
import { isSettling, settleUntilMs } from '../../core/settle.ts';
import { isoTime } from '../../core/time.ts';
import { claimView } from '../../core/view.ts';
import { isPaused, type Claim, type Workspace } from '../../core/workspace.ts';
import { policyFor } from '../judging/policies.ts';
import type { IdempotencyKey } from '../ports/idempotency.ts';
import { readBody, readValue, type ApiCall } from '../runtime/api-call.ts';
import { callersKey, restartBody } from '../schemas/api.ts';
import { changedMeanwhile, findWorkspace, isAnswer, workspaceIdOf, type OperatePorts } from './subject.ts';

export async function orderRestart(call: ApiCall, ports: OperatePorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const { reason, force: forced = false } = readBody(call, restartBody);
  const key = keyOf(call, workspaceId);
  const fingerprint = ports.ids.fingerprint(JSON.stringify({ reason, forced }));
  if (key) {
    const { firstAnswer } = (await ports.workspaces.readForJudging(workspaceId, key)).value;
    if (firstAnswer) {
      return firstAnswer.fingerprint === fingerprint
        ? firstAnswer.answer
        : problem('idempotency-conflict', 'This Idempotency-Key was used before, for another order.');
    }
  }
  const found = await findWorkspace(ports, workspaceId);
  if (isAnswer(found)) return found;
  const asked: Asked = { reason, forced, ...(key && { once: { key, fingerprint } }) };
  return refusalOf(found, call, forced) ?? (await claimFor(ports, call, found, asked));
}

interface Asked {
  readonly reason: string;
  readonly forced: boolean;
  /** The same call again gets the first answer. */
  readonly once?: { readonly key: IdempotencyKey; readonly fingerprint: string };
}

function keyOf(call: ApiCall, workspaceId: string): IdempotencyKey | undefined {
  const header = call.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = `restart:${readValue(header, callersKey, 'Idempotency-Key')}`;
  return { principal: call.caller.principal, workspaceId, key };
}

function refusalOf(workspace: Workspace, call: ApiCall, forced: boolean): Answer | undefined {
  const { earliestMs } = call.now;
  if (workspace.desired === 'stopped')
    return problem('paused', 'The workspace is wanted stopped; nothing overrides that.');
  if (workspace.claim) return problem('restarting', 'A restart is under way already.');
  if (forced) return undefined;
  if (workspace.quarantine)
    return problem('quarantined', 'Restarts have not helped it. Release it first, or `force` the restart.');
  if (isPaused(workspace, earliestMs)) return problem('paused', 'The workspace is paused.');
  return isSettling(workspace.settleUntilMs, earliestMs)
    ? stillSettling(workspace.settleUntilMs, call)
    : undefined;
}

function stillSettling(untilMs: number, call: ApiCall): Answer {
  return problem('settling', `The workspace settles until ${isoTime(untilMs)}.`, {
    retryAfterSeconds: Math.ceil((untilMs - call.now.earliestMs) / 1000),
  });
}

async function claimFor(
  ports: OperatePorts,
  call: ApiCall,
  workspace: Workspace,
  { reason, forced, once }: Asked,
): Promise<Answer> {
  const { workspaceId, instanceId } = workspace;
  const probe = (await ports.ec2.look([instanceId])).get(instanceId)?.probe;
  if (probe?.kind !== 'seen') {
    return problem(
      'ec2-unavailable',
      'EC2 gave no clear answer about the instance, so nothing was ordered.',
      {
        retryAfterSeconds: 5,
      },
    );
  }
  if (probe.state === 'terminated' || probe.state === 'shutting-down') {
    return problem('gone', 'The instance is terminated; it cannot be started again.', { restarting: false });
  }
  const policy = policyFor(ports.settings, workspace);
  const settlesUntilMs = settleUntilMs(workspace.settleUntilMs, probe.launchTimeMs, policy);
  if (!forced && isSettling(settlesUntilMs, call.now.earliestMs)) return stillSettling(settlesUntilMs, call);
  const order: ClaimOrder = {
    token: ports.ids.next(call.now.latestMs),
    kind: 'operator',
    reason,
    forced,
    ...(probe.launchTimeMs !== undefined && { launchTimeMs: probe.launchTimeMs }),
  };
  const write = prepareClaim(workspace, order, call.now, policy);
  if (write === 'restart-budget-spent') {
    return problem(
      'restart-budget-spent',
      'The workspace was restarted too often lately. `force` overrides that.',
    );
  }
  // Who ordered it and why, before anything follows from it (S35).
  await ports.receipts.putOrder({
    orderId: order.token,
    workspaceId,
    what: forced ? 'force-restart' : 'restart',
    by: call.caller.principal,
    reason,
    atMs: call.now.latestMs,
    token: order.token,
    probe,
  });
  const { claim, generation } = write.sets;
  const answer = json(202, { workspaceId, claim: claimView(claim) });
  const firstAnswer = once && {
    key: once.key,
    value: { fingerprint: once.fingerprint, answer },
    lifeMs: firstAnswerLifeMs.promise,
  };
  if ((await ports.workspaces.claim(write, firstAnswer)) !== 'won') return changedMeanwhile();
  ports.log.info('restart ordered', { workspaceId, token: order.token, by: call.caller.principal, forced });
  // From here on nothing throws: the claim stands, and so does its answer.
  await sendRestartOf(ports, { workspaceId, instanceId, generation, claim });
  return answer;
}

/** Sets a claim going. When that fails the claim stands all the same: the sweep finds it, and sends the message. */
export async function sendRestartOf(
  ports: Pick<OperatePorts, 'queues' | 'log'>,
  {
    workspaceId,
    instanceId,
    generation,
    claim: { token, epoch },
  }: Pick<Workspace, 'workspaceId' | 'instanceId' | 'generation'> & { claim: Claim },
): Promise<void> {
  try {
    await ports.queues.sendRestart({
      v: MESSAGE_VERSION,
      kind: 'restart',
      workspaceId,
      instanceId,
      generation,
      epoch,
      token,
    });
  } catch (error) {
    ports.log.error('restart message not sent', { workspaceId, token }, error);
  }
}
