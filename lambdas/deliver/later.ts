/** How long a message that is not done stays hidden, and who may wake it before. */
import type { AfterAttempt } from '../../core/attempt.ts';
import { deferralMs, deferralUntilMs, retryDelayMs } from '../../core/deferral.ts';
import type { ParkedMessage } from '../../core/messages.ts';
import type { DeliveryStep } from '../../core/delivery-step.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Received } from '../ports/queues.ts';
import type { DeliverPorts } from './end.ts';

export interface Later {
  readonly kind: 'later';
  readonly because: string;
  readonly afterMs: number;
  /** Nobody may wake it before. */
  readonly notBeforeMs: number;
}

type LaterPorts = Pick<DeliverPorts, 'clock' | 'ids'>;

/** Waiting for the workspace: longer each time, and it may be woken at any moment. */
export function later(
  ports: LaterPorts,
  received: Received<ParkedMessage>,
  request: ParkedRequest,
  because: string,
): Later {
  const waitedMs = ports.clock.nowMs() - waitingSinceMs(received, request);
  return { kind: 'later', because, afterMs: deferralMs(waitedMs, ports.ids.jitter()), notBeforeMs: 0 };
}

/** Another copy has the request in its hands: a look in a moment tells until when. */
export function whenTaken(ports: LaterPorts): Later {
  return {
    kind: 'later',
    because: 'taken',
    afterMs: deferralMs(0, ports.ids.jitter(), true),
    notBeforeMs: 0,
  };
}

export function deferralOf(
  ports: LaterPorts,
  received: Received<ParkedMessage>,
  request: ParkedRequest | undefined,
  { because, soon, untilMs }: Extract<DeliveryStep, { do: 'defer' }>,
): Later {
  const nowMs = ports.clock.nowMs();
  const afterMs =
    untilMs === undefined
      ? deferralMs(nowMs - waitingSinceMs(received, request), ports.ids.jitter(), soon)
      : deferralUntilMs(nowMs, untilMs);
  // Waiting for the workspace may end at any moment; a time of the request's own, or of the ramp, holds.
  return { kind: 'later', because, afterMs, notBeforeMs: untilMs ?? 0 };
}

/** A failing agent, and one that asks for it, is left alone; otherwise the request may go as soon as its workspace is back. */
export function backOff(
  ports: LaterPorts,
  received: Received<ParkedMessage>,
  next: Extract<AfterAttempt, { later: string }>,
  failures: number,
): Pick<Later, 'afterMs' | 'notBeforeMs'> {
  const nowMs = ports.clock.nowMs();
  const jitter = ports.ids.jitter();
  if (!next.failure && next.retryAfterSeconds === undefined)
    return { afterMs: deferralMs(nowMs - received.firstReceivedAtMs, jitter), notBeforeMs: 0 };
  const asksForMs = retryDelayMs(failures, jitter, next.retryAfterSeconds);
  // An agent that asks for a moment again and again is left alone for longer, or the queue's receives run out (V1).
  const afterMs = next.failure
    ? asksForMs
    : Math.max(asksForMs, deferralMs(nowMs - received.firstReceivedAtMs, jitter));
  return { afterMs, notBeforeMs: nowMs + asksForMs };
}

/** The lease of an attempt that died was no waiting: what comes after it begins anew. */
function waitingSinceMs(
  { firstReceivedAtMs }: Received<ParkedMessage>,
  request: Pick<ParkedRequest, 'leaseUntilMs'> | undefined,
): number {
  return Math.max(firstReceivedAtMs, request?.leaseUntilMs ?? 0);
}
