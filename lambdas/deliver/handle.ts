/**
 * Delivers the head of a workspace's queue, or defers it by visibility, so that the group stays in order.
 *
 * The story of one message: the queue hides it for 90 s, and the receive function hands it on. The first act here is to
 * hide it for another 90 s, a lease that is renewed while the agent works; a crash at any point costs 90 s. The ledger decides whether there is anything to deliver. The address comes from EC2, read a moment before. A failure
 * is reported to the judge like any caller's forward error, so that a workspace which dies after its last caller has
 * left is still found (V3). Deleting the message is the last act, after the ledger has the outcome (S25).
 */
import { drainWhenUnready, type Drain } from '../../core/drain.ts';
import { assertNever } from '../../core/invariant.ts';
import type { ParkedMessage } from '../../core/messages.ts';
import { nextDeliveryStep, type DeliveryStep, type DeliveryView } from '../../core/delivery-step.ts';
import { DELIVERY_LEASE_MS, type ParkedRequest } from '../../core/parking.ts';
import { isFinal } from '../../core/receipt.ts';
import { rangeOfMessage } from '../../core/time.ts';
import { policyFor } from '../judging/policies.ts';
import type { Finish } from '../ports/ledger.ts';
import type { Received, Settled } from '../ports/queues.ts';
import { eachMessage } from '../runtime/each-message.ts';
import { attempt } from './attempt.ts';
import { deadLetter } from './dead-letter.ts';
import { endRequest, type DeliverPorts } from './end.ts';
import { deferralOf, whenTaken, type Later } from './later.ts';

export async function handleDeliveries(
  messages: readonly Received<ParkedMessage>[],
  ports: DeliverPorts,
): Promise<ReadonlyMap<string, Settled>> {
  return eachMessage(messages, ports.log, (message) => deliver(ports, message));
}

async function deliver(ports: DeliverPorts, received: Received<ParkedMessage>): Promise<Settled> {
  const lease = await ports.queues.setParkedVisibility(received.receiptHandle, DELIVERY_LEASE_MS / 1000);
  if (lease === 'gone') return { kind: 'left' };
  const message = received.body;
  const askedMs = ports.clock.nowMs();
  const [request, { value: workspace, serverTimeMs }, totals] = await Promise.all([
    ports.ledger.read(message.requestId),
    ports.workspaces.read(message.workspaceId),
    ports.ledger.parkedFor(message.workspaceId),
  ]);
  const nowMs = ports.clock.nowMs();
  const { nextDueAtMs: _isHere, ...history } = totals.drain;
  const drain: Drain = {
    ...history,
    receivedAtMs: nowMs,
    ...(received.sequence !== undefined && { receivedSequence: received.sequence }),
  };
  const view: DeliveryView = {
    request: request ?? 'absent',
    enqueueNo: message.enqueueNo,
    workspace,
    ...(request?.heldBy !== undefined && { holder: await holderOf(ports, request) }),
    ...(drain.ramp && { rampUntilMs: drain.ramp.notBeforeMs }),
    receives: received.receives,
    now: rangeOfMessage(nowMs, {
      ...received,
      delayMs: 0,
      answeredAtMs: serverTimeMs,
      // Another of the reads may have taken long (S21).
      passedMs: nowMs - askedMs,
    }),
    policy: policyFor(ports.settings, workspace),
  };
  const step = nextDeliveryStep(view);
  switch (step.do) {
    case 'drop':
      ports.log.info('parked message dropped', { requestId: message.requestId, because: step.because });
      if (step.because === 'no-row') ports.log.count('ParkedWithoutRow');
      return { kind: 'done' };
    case 'end':
      if (request === undefined) return { kind: 'done' };
      return (await endAsRead(ports, { request, message }, step, drain)) === 'moved-on'
        ? defer(ports, received, drain, whenTaken(ports))
        : { kind: 'done' };
    case 'defer':
      return defer(
        ports,
        received,
        whileWaiting(drain, step, nowMs),
        deferralOf(ports, received, request, step),
      );
    case 'attempt': {
      if (request === undefined || typeof workspace !== 'object') return { kind: 'done' };
      const { policy, now } = view;
      const outcome = await attempt(ports, { received, request, workspace, policy, now, drain });
      return outcome.kind === 'ended'
        ? { kind: 'done' }
        : defer(ports, received, whileWaiting(drain, outcome, nowMs), outcome);
    }
    default:
      return assertNever(step);
  }
}

/** For the attempt as it was read: one that another copy has begun since is not for this one to end (S24). */
function endAsRead(
  ports: DeliverPorts,
  { request, message }: { readonly request: ParkedRequest; readonly message: ParkedMessage },
  { state, why, freesKey = false }: Extract<DeliveryStep, { do: 'end' }>,
  drain: Drain,
): Promise<Finish> {
  if (state === 'dead-lettered') return deadLetter(ports, request, message, { why, drain });
  return endRequest(ports, request, { state, why, drain, freesKey, onlyAttempt: request.attempts });
}

async function holderOf(
  ports: DeliverPorts,
  request: ParkedRequest,
): Promise<NonNullable<DeliveryView['holder']>> {
  const receipt = await ports.receipts.read(request.workspaceId, request.heldBy ?? '');
  return receipt ? { verdict: receipt.verdict, final: isFinal(receipt), reason: receipt.reason } : 'absent';
}

/** Reasons to wait that lie with the request or with the pace, not with the workspace. */
const ownReasons: readonly string[] = [
  'accepting',
  'held',
  'in-delivery',
  'taken',
  'not-before',
  'expiring',
  'ramp',
  'busy',
];
/** Another copy has this request in its hands: its handle is the one that counts. */
const anothersReasons: readonly string[] = ['in-delivery', 'taken'];

/** A workspace that is waited for begins with one request when it can be given any again. */
function whileWaiting(drain: Drain, { because }: { readonly because: string }, nowMs: number): Drain {
  return ownReasons.includes(because) ? drain : drainWhenUnready(drain, nowMs);
}

/** Hides the head for a while and leaves its handle for whoever may wake it. */
async function defer(
  ports: DeliverPorts,
  received: Received<ParkedMessage>,
  drain: Drain,
  { because, afterMs, notBeforeMs }: Later,
): Promise<Settled> {
  const { workspaceId, requestId } = received.body;
  ports.log.info('delivery deferred', { workspaceId, requestId, because, forMs: afterMs });
  const head = { requestId, receiptHandle: received.receiptHandle, notBeforeMs };
  const noted = { ...drain, nextDueAtMs: ports.clock.nowMs() + afterMs };
  await ports.ledger.noteHead(workspaceId, anothersReasons.includes(because) ? undefined : head, noted);
  return { kind: 'again', afterSeconds: afterMs / 1000 };
}
