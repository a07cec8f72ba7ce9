/**
 * RestartByID, one step a receive. What to do follows from what the instance is now (core/restart.ts); here the step
 * is made durable, then done:
 *
 *   awaiting-admission -> admitted            one conditional write on the fleet item
 *   stopped            -> start-issued        last look in the same write as the intent, then ec2_start, no retries
 *   silent, running    -> softened            where the policy says so: news for whoever restarts the agent alone
 *   condemned, running -> stop-issued         once a claim, leased to this invocation, then ec2_stop, no retries
 *   running anew       -> ended               by a heartbeat of the new boot
 *
 * Waiting is done by visibility. Every write names the claim exactly as read, so a second copy of a message, or a
 * run that was frozen for minutes, finds its write refused and does nothing (S8).
 */
import { assertNever } from '../../core/invariant.ts';
import type { RestartMessage } from '../../core/messages.ts';
import { isStuckStopping, needsProbe, nextRestartAction } from '../../core/restart.ts';
import { rangeOfMessage } from '../../core/time.ts';
import { policyFor } from '../judging/policies.ts';
import type { InstanceLook } from '../ports/ec2.ts';
import type { Received, Settled } from '../ports/queues.ts';
import { eachMessage } from '../runtime/each-message.ts';
import { admitClaim, stepBack } from './admit.ts';
import { finishClaim, type RestartPorts } from './finish.ts';
import { wasFrozen, type RestartRun } from './frozen.ts';
import { adoptStart, issueStart, issueStop, soften } from './power.ts';

export async function handleRestarts(
  messages: readonly Received<RestartMessage>[],
  ports: RestartPorts,
): Promise<ReadonlyMap<string, Settled>> {
  return eachMessage(messages, ports.log, (message) => step(ports, message));
}

async function step(ports: RestartPorts, received: Received<RestartMessage>): Promise<Settled> {
  const beganMs = ports.clock.nowMs();
  const message = received.body;
  const { value: workspace, serverTimeMs } = await ports.workspaces.read(message.workspaceId);
  // Unreadable by this version: a newer one may be at work (S32).
  if (workspace === 'malformed') return { kind: 'again', afterSeconds: 30 };
  const claim = workspace === 'absent' ? undefined : workspace.claim;
  if (workspace === 'absent' || claim?.token !== message.token || claim.epoch !== message.epoch) {
    ports.log.info('restart message changes nothing', {
      workspaceId: message.workspaceId,
      token: message.token,
    });
    return { kind: 'done' };
  }
  const times = { ...received, delayMs: 0, answeredAtMs: serverTimeMs };
  const looks = needsProbe(claim, rangeOfMessage(ports.clock.nowMs(), times))
    ? await ports.ec2.look([claim.instanceId])
    : new Map<string, InstanceLook>();
  // The fleet item does not know of claims: a slot for one that was read minutes ago may be one for a claim that is over.
  if (wasFrozen(ports, { beganMs })) return { kind: 'again', afterSeconds: 1 };
  const view: RestartRun = {
    beganMs,
    workspace,
    claim,
    probe: looks.get(claim.instanceId)?.probe ?? { kind: 'not-made' },
    now: rangeOfMessage(ports.clock.nowMs(), times),
    policy: policyFor(ports.settings, workspace),
  };
  const action = nextRestartAction(view);
  switch (action.do) {
    case 'admit':
      return admitClaim(ports, view, received.receives);
    case 'start':
      return issueStart(ports, view);
    case 'soften':
      return soften(ports, view);
    case 'stop':
      return issueStop(ports, view);
    case 'adopt':
      return adoptStart(ports, view, action.launchTimeMs);
    case 'wait':
      if (isStuckStopping(view)) {
        // Stop is not forced: that can lose what the agent has written. An operator decides (V7).
        ports.log.error('instance stuck in stopping', { workspaceId: workspace.workspaceId });
        ports.log.count('StuckStopping');
      }
      ports.log.info('restart waits', {
        workspaceId: workspace.workspaceId,
        step: claim.step,
        because: action.because,
      });
      return { kind: 'again', afterSeconds: action.forMs / 1000 };
    case 'step-back':
      return stepBack(ports, view, action);
    case 'finish':
      return finishClaim(ports, view, action);
    default:
      return assertNever(action);
  }
}
