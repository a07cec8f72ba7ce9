/** One attempt at delivery: address from EC2, row to `delivering`, POST under a renewed lease, outcome to the ledger. */
import {
  afterAttempt,
  interruptionsOf,
  MOST_INTERRUPTIONS,
  type AttemptOutcome,
} from '../../core/attempt.ts';
import { drainWhenDelivered, type Drain } from '../../core/drain.ts';
import { DEFAULT_INTERVAL_MS } from '../../core/heartbeat.ts';
import type { ParkedMessage } from '../../core/messages.ts';
import {
  DELIVERY_LEASE_MS,
  mayBeWithAgent,
  type AttemptMark,
  type ParkedRequest,
} from '../../core/parking.ts';
import type { Policy } from '../../core/policy.ts';
import { retryAfterOf } from '../../core/retry-after.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { AgentAnswer, PeerProof } from '../ports/agents.ts';
import type { Finish } from '../ports/ledger.ts';
import type { Received } from '../ports/queues.ts';
import { deadLetter } from './dead-letter.ts';
import { endRequest, type DeliverPorts } from './end.ts';
import { backOff, later, whenTaken, type Later } from './later.ts';
import { placeOf, type Place } from './place.ts';
import { reportFailure } from './report.ts';

export interface Attempt {
  readonly received: Received<ParkedMessage>;
  readonly request: ParkedRequest;
  readonly workspace: Workspace;
  readonly policy: Policy;
  readonly now: TimeRange;
  readonly drain: Drain;
}

export type Attempted = { readonly kind: 'ended' } | Later;

/** An address that was read longer ago may be somebody else's by now (S20). */
const ADDRESS_LIFE_MS = 2000;

export async function attempt(ports: DeliverPorts, thisOne: Attempt): Promise<Attempted> {
  const { received, request, workspace, now, drain } = thisOne;
  const lookedMs = ports.clock.nowMs();
  const place = await placeOf(ports, workspace);
  if (place.kind === 'not-running') {
    // Also of an instance that is stopping, starting or not to be found: nobody else may be left to see that it stays
    // so (V5). That EC2 cannot say where it is, is no failure of the workspace.
    if (place.isSaid) await reportFailure(ports, workspace, 'unreachable');
    return later(ports, received, request, `instance-${place.state}`);
  }
  if (place.kind === 'address-refused') {
    ports.log.warn('address refused', { workspaceId: workspace.workspaceId, because: place.because });
    ports.log.count('AddressRefused');
    const end = { why: `address-${place.because}`, drain };
    return unlessTaken(ports, await deadLetter(ports, request, received.body, end));
  }
  const agent = agentAt(place, workspace);
  const interruptions = interruptionsOf(request, agent);
  if (interruptions >= MOST_INTERRUPTIONS) {
    return unlessTaken(ports, await deadLetter(ports, request, received.body, { why: 'poison', drain }));
  }
  const beganMs = ports.clock.nowMs();
  const known: ParkedRequest = { ...request, ambiguous: mayBeWithAgent(request), interruptions };
  const begun = await ports.ledger.beginAttempt(known, {
    // As late as it is by now, not as it was when the message was read: EC2 was asked since (S21). What has passed since
    // then is counted from the latest end, so that a clock that is behind knows it as well.
    nowMs: Math.max(beganMs, now.latestMs + Math.max(0, beganMs - lookedMs)),
    leaseUntilMs: beganMs + DELIVERY_LEASE_MS,
    mark: { ...agent, answered: false },
    interruptions,
  });
  // A sandbox that stood still until its lease was over: others may have ended the request meanwhile (S21).
  if (begun === 'lost' || ports.clock.nowMs() >= beganMs + DELIVERY_LEASE_MS) return whenTaken(ports);
  const row: ParkedRequest = {
    ...known,
    state: 'delivering',
    attempts: request.attempts + 1,
    lastAttempt: { ...agent, answered: false },
  };
  const askedMs = ports.clock.nowMs();
  if (askedMs - lookedMs > ADDRESS_LIFE_MS) {
    const isThere = await isStillAt(ports, place, workspace);
    // Also where the sandbox stood still meanwhile: what was just said is old again, and the lease may be over (S20, S21).
    if (!isThere || ports.clock.nowMs() - askedMs > ADDRESS_LIFE_MS)
      return takeBack(ports, { ...thisOne, request: row }, request);
  }
  const answer = await send(ports, { ...thisOne, request: row }, place.address);
  return conclude(ports, { ...thisOne, request: row }, answer, { beganMs, before: request });
}

/** The write that began the attempt took long: EC2 is asked once more, and must say the same. */
async function isStillAt(
  ports: DeliverPorts,
  { address, launchTimeMs }: Extract<Place, { kind: 'at' }>,
  workspace: Workspace,
): Promise<boolean> {
  const now = await placeOf(ports, workspace);
  return now.kind === 'at' && now.address === address && now.launchTimeMs === launchTimeMs;
}

/** Nothing was sent: the request is as it was before this attempt. */
async function takeBack(ports: DeliverPorts, thisOne: Attempt, before: ParkedRequest): Promise<Later> {
  const why = 'moved';
  const { ambiguous, failures = 0, lastAttempt: mark } = before;
  await ports.ledger.putBack(thisOne.request, { why, ambiguous, failures, notBeforeMs: 0, mark });
  return later(ports, thisOne.received, before, why);
}

function agentAt({ launchTimeMs }: Extract<Place, { kind: 'at' }>, { heartbeat }: Workspace) {
  return {
    ...(launchTimeMs !== undefined && { launchTimeMs }),
    ...(heartbeat && { bootId: heartbeat.bootId }),
  };
}

async function send(
  ports: DeliverPorts,
  { received, request, workspace, policy }: Attempt,
  address: string,
): Promise<AgentAnswer> {
  const message = received.body;
  const lease = ports.clock.every(DELIVERY_LEASE_MS / 3, async () => {
    // Both at once: each is there for when the other fails, or takes long.
    await Promise.all([
      ports.ledger.renewAttempt(request, ports.clock.nowMs() + DELIVERY_LEASE_MS),
      ports.queues.setParkedVisibility(received.receiptHandle, DELIVERY_LEASE_MS / 1000),
    ]);
  });
  try {
    return await ports.agents.send({
      protocol: workspace.protocol,
      address,
      port: workspace.port,
      method: message.method,
      path: `${workspace.path.replace(/\/$/, '')}${message.path}`,
      headers: {
        ...message.headers,
        'idempotency-key': message.idempotencyKey,
        'defib-request-id': message.requestId,
        'defib-attempt': String(request.attempts),
        ...(request.ambiguous && { 'defib-ambiguous': 'true' }),
      },
      body: message.body,
      timeoutMs: policy.deliverTimeoutMs,
      ...(policy.peerProof === 'well-known' && { proof: proofOf(workspace) }),
    });
  } finally {
    lease.stop();
  }
}

/** Who must be there: the workspace's own agent, in the boot that beats where one is known. */
function proofOf({ workspaceId, heartbeat }: Workspace): PeerProof {
  return { workspaceId, ...(heartbeat && { bootId: heartbeat.bootId }) };
}

async function conclude(
  ports: DeliverPorts,
  thisOne: Attempt,
  answer: AgentAnswer,
  { beganMs, before }: { readonly beganMs: number; readonly before: ParkedRequest },
): Promise<Attempted> {
  const { request, workspace, policy, received, drain } = thisOne;
  const next = afterAttempt(outcomeOf(answer, ports.clock.nowMs()));
  if ('state' in next) {
    const endedMs = ports.clock.nowMs();
    const pauseMs = Math.min(workspace.heartbeat?.intervalMs ?? DEFAULT_INTERVAL_MS, DEFAULT_INTERVAL_MS);
    const ended = await endRequest(ports, request, {
      ...next,
      drain: drainWhenDelivered(drain, { beganMs, endedMs, pauseMs }),
      ...(answer.kind === 'answered' && { response: answer.response }),
      // Delivered is delivered, whoever else is at it by now. Any other end is only for the attempt that met it (S24).
      ...(next.state !== 'delivered' && { onlyAttempt: request.attempts }),
    });
    return unlessTaken(ports, ended);
  }
  const failures = (request.failures ?? 0) + (next.failure ? 1 : 0);
  if (failures >= policy.maxFailedAttempts) {
    const end = { why: `gave-up-${next.later}`, drain };
    return unlessTaken(ports, await deadLetter(ports, request, received.body, end));
  }
  const back = backOff(ports, received, next, failures);
  await ports.ledger.putBack(request, {
    why: next.later,
    ambiguous: next.mayHaveArrived,
    failures,
    notBeforeMs: back.notBeforeMs,
    mark: markAfter(request, before, { ...next, answered: answer.kind === 'answered' }),
  });
  if (answer.kind === 'stranger') {
    // Not the workspace's failure, as far as is known: somebody must look who else is at its address (S20).
    ports.log.warn('stranger at the address', { workspaceId: workspace.workspaceId });
    ports.log.count('StrangerMet');
  }
  // Who breaks the rules of HTTP is there: no forward error.
  if (answer.kind === 'failed' && answer.because !== 'broken')
    await reportFailure(ports, workspace, answer.because);
  return { kind: 'later', because: `attempt-${next.later}`, ...back };
}

function outcomeOf(answer: AgentAnswer, nowMs: number): AttemptOutcome {
  if (answer.kind !== 'answered') return answer;
  const { status, headers } = answer.response;
  const seconds = retryAfterOf(headers, nowMs);
  return { kind: 'answered', status, ...(seconds !== undefined && { retryAfterSeconds: seconds }) };
}

/** A request that another copy has begun to deliver has not ended, and its message must stay (S25). */
function unlessTaken(ports: DeliverPorts, end: Finish): Attempted {
  return end === 'moved-on' ? whenTaken(ports) : { kind: 'ended' };
}

/** What the next attempt has to know of this one: where nothing arrived, it was none. */
function markAfter(
  request: ParkedRequest,
  before: ParkedRequest,
  { mayHaveArrived, answered }: { readonly mayHaveArrived: boolean; readonly answered: boolean },
): AttemptMark | undefined {
  return mayHaveArrived && request.lastAttempt ? { ...request.lastAttempt, answered } : before.lastAttempt;
}
