/**
 * Delivers the head of a workspace's queue, or defers it by visibility, so that the group stays in order.
 *
 * The story of one message: the queue hides it for the function's whole time-out (15 minutes). The first act is to
 * shorten that to a lease of 90 s, renewed while the agent works; a crash then costs 90 s, not 15 minutes. The
 * ledger decides whether there is anything to deliver. The address comes from EC2, read a moment before. A failure
 * is reported to the judge like any caller's forward error, so that a workspace which dies after its last caller has
 * left is still found (V3). Deleting the message is the last act, after the ledger has the outcome (S25).
 */
import { assertNever } from '../../core/invariant.ts';
import type { ParkedMessage } from '../../core/messages.ts';
import {
  deferralMs,
  DELIVERY_LEASE_MS,
  nextDeliveryStep,
  type DeliveryView,
  type ParkedRequest,
} from '../../core/parking.ts';
import { isFinal } from '../../core/receipt.ts';
import { rangeOfMessage } from '../../core/time.ts';
import { policyFor } from '../judging/policies.ts';
import type { Received, Settled } from '../ports.ts';
import { eachMessage } from '../runtime/each-message.ts';
import { attempt } from './attempt.ts';
import { endRequest, type DeliverPorts } from './end.ts';

export async function handleDeliveries(
  messages: readonly Received<ParkedMessage>[],
  ports: DeliverPorts,
): Promise<ReadonlyMap<string, Settled>> {
  return eachMessage(messages, ports.log, (message) => deliver(ports, message));
}

async function deliver(ports: DeliverPorts, received: Received<ParkedMessage>): Promise<Settled> {
  await ports.queues.setParkedVisibility(received.receiptHandle, DELIVERY_LEASE_MS / 1000);
  const message = received.body;
  const [request, { value: workspace, serverTimeMs }] = await Promise.all([
    ports.ledger.read(message.requestId),
    ports.workspaces.read(message.workspaceId),
  ]);
  const nowMs = ports.clock.nowMs();
  const view: DeliveryView = {
    request: request ?? 'absent',
    enqueueNo: message.enqueueNo,
    workspace,
    ...(request?.heldBy !== undefined && { holder: await holderOf(ports, request) }),
    now: rangeOfMessage(nowMs, { ...received, delayMs: 0, answeredAtMs: serverTimeMs }),
    policy: policyFor(ports.settings, workspace),
  };
  const step = nextDeliveryStep(view);
  switch (step.do) {
    case 'drop':
      ports.log.info('parked message dropped', { requestId: message.requestId, because: step.because });
      return { kind: 'done' };
    case 'end':
      if (request) await endRequest(ports, request, { state: step.state, why: step.why });
      return { kind: 'done' };
    case 'defer':
      return defer(ports, received, step);
    case 'attempt': {
      if (request === undefined || typeof workspace !== 'object') return { kind: 'done' };
      const outcome = await attempt(ports, {
        received,
        request,
        workspace,
        policy: view.policy,
        now: view.now,
      });
      return outcome.kind === 'ended'
        ? { kind: 'done' }
        : defer(ports, received, { because: outcome.because, soon: false });
    }
    default:
      return assertNever(step);
  }
}

async function holderOf(
  ports: DeliverPorts,
  request: ParkedRequest,
): Promise<NonNullable<DeliveryView['holder']>> {
  const receipt = await ports.receipts.read(request.workspaceId, request.heldBy ?? '');
  return receipt ? { verdict: receipt.verdict, final: isFinal(receipt), reason: receipt.reason } : 'absent';
}

/** Hides the head for a while and leaves its handle for whoever may wake it. */
async function defer(
  ports: DeliverPorts,
  received: Received<ParkedMessage>,
  { because, soon }: { because: string; soon: boolean },
): Promise<Settled> {
  const { workspaceId, requestId } = received.body;
  const nowMs = ports.clock.nowMs();
  const forMs = deferralMs(nowMs - received.firstReceivedAtMs, ports.ids.jitter(), soon);
  ports.log.info('delivery deferred', { workspaceId, requestId, because, forMs });
  // A failed attempt keeps its back-off; waiting for the workspace may end at any moment.
  const notBeforeMs = because.startsWith('attempt-') ? nowMs + forMs : 0;
  await ports.ledger.noteHead(workspaceId, { requestId, receiptHandle: received.receiptHandle, notBeforeMs });
  return { kind: 'again', afterSeconds: forMs / 1000 };
}
