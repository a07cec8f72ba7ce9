/** One attempt at delivery: address from EC2, row to `delivering`, POST under a renewed lease, outcome to the ledger. */
import { checkAddress } from '../../core/address.ts';
import type { ErrorKind } from '../../core/forward-error.ts';
import { MESSAGE_VERSION, type ParkedMessage } from '../../core/messages.ts';
import {
  afterAttempt,
  DELIVERY_LEASE_MS,
  type AttemptOutcome,
  type ParkedRequest,
} from '../../core/parking.ts';
import type { Policy } from '../../core/policy.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { AgentAnswer, InstanceLook, Received } from '../ports.ts';
import { endRequest, type DeliverPorts } from './end.ts';

export interface Attempt {
  readonly received: Received<ParkedMessage>;
  readonly request: ParkedRequest;
  readonly workspace: Workspace;
  readonly policy: Policy;
  readonly now: TimeRange;
}

export type Attempted = { readonly kind: 'ended' } | { readonly kind: 'later'; readonly because: string };

export async function attempt(
  ports: DeliverPorts,
  { received, request, workspace, policy, now }: Attempt,
): Promise<Attempted> {
  const looks = await ports.ec2.look([workspace.instanceId]);
  const place = placeOf(ports, workspace, looks.get(workspace.instanceId));
  if (place.kind === 'not-running') {
    // An unknown state is no failure of the workspace, and reports nothing.
    if (place.state === 'stopped' || place.state === 'terminated')
      await reportFailure(ports, workspace, 'unreachable');
    return { kind: 'later', because: `instance-${place.state}` };
  }
  if (place.kind === 'address-refused') {
    ports.log.warn('address refused', { workspaceId: workspace.workspaceId, because: place.because });
    ports.log.count('AddressRefused');
    await endRequest(ports, request, { state: 'dead-lettered', why: `address-${place.because}` });
    return { kind: 'ended' };
  }
  // Found in delivery: an earlier attempt stopped half way, and its copy may have arrived.
  const known: ParkedRequest = { ...request, ambiguous: request.ambiguous || request.state === 'delivering' };
  if ((await ports.ledger.beginAttempt(known, now.latestMs)) === 'lost')
    return { kind: 'later', because: 'taken' };
  const begun: ParkedRequest = { ...known, state: 'delivering', attempts: request.attempts + 1 };
  const answer = await send(ports, received, { begun, workspace, policy, address: place.address });
  return conclude(ports, begun, workspace, answer);
}

async function send(
  ports: DeliverPorts,
  received: Received<ParkedMessage>,
  to: { begun: ParkedRequest; workspace: Workspace; policy: Policy; address: string },
): Promise<AgentAnswer> {
  const message = received.body;
  const lease = ports.clock.every(DELIVERY_LEASE_MS / 3, () =>
    ports.queues.setParkedVisibility(received.receiptHandle, DELIVERY_LEASE_MS / 1000),
  );
  try {
    return await ports.agents.send({
      protocol: to.workspace.protocol,
      address: to.address,
      port: to.workspace.port,
      method: message.method,
      path: `${to.workspace.path.replace(/\/$/, '')}${message.path}`,
      headers: {
        ...message.headers,
        'idempotency-key': message.idempotencyKey,
        'defib-request-id': message.requestId,
        'defib-attempt': String(to.begun.attempts),
        ...(to.begun.ambiguous && { 'defib-ambiguous': 'true' }),
      },
      body: message.body,
      timeoutMs: to.policy.deliverTimeoutMs,
    });
  } finally {
    lease.stop();
  }
}

async function conclude(
  ports: DeliverPorts,
  begun: ParkedRequest,
  workspace: Workspace,
  answer: AgentAnswer,
): Promise<Attempted> {
  const outcome: AttemptOutcome =
    answer.kind === 'answered' ? { kind: 'answered', status: answer.response.status } : answer;
  const next = afterAttempt(outcome);
  if ('state' in next) {
    await endRequest(ports, begun, {
      ...next,
      ...(answer.kind === 'answered' && { response: answer.response }),
    });
    return { kind: 'ended' };
  }
  // Refused connections and unreachable hosts are the only failures after which no copy can have arrived.
  const mayHaveArrived =
    answer.kind === 'answered' || !(answer.because === 'refused' || answer.because === 'unreachable');
  await ports.ledger.putBack(begun, next.later, mayHaveArrived);
  if (answer.kind === 'failed') await reportFailure(ports, workspace, answer.because);
  return { kind: 'later', because: `attempt-${next.later}` };
}

type Place =
  | { readonly kind: 'at'; readonly address: string }
  | Extract<AttemptOutcome, { kind: 'not-running' | 'address-refused' }>;

function placeOf(ports: DeliverPorts, workspace: Workspace, look: InstanceLook | undefined): Place {
  const probe = look?.probe;
  if (probe?.kind !== 'seen' || probe.instanceId !== workspace.instanceId)
    return { kind: 'not-running', state: 'unknown' };
  if (probe.state !== 'running') return { kind: 'not-running', state: probe.state };
  if ('localAddress' in ports.reach) return { kind: 'at', address: ports.reach.localAddress };
  const checked = checkAddress(look?.privateIp, ports.reach.cidrs);
  if (checked !== 'allowed' || look?.privateIp === undefined)
    return { kind: 'address-refused', because: checked };
  return { kind: 'at', address: look.privateIp };
}

/** Deliver's own forward error: the re-probe function makes both sightings, as for a probe that was throttled. */
async function reportFailure(ports: DeliverPorts, workspace: Workspace, errorKind: ErrorKind): Promise<void> {
  await ports.queues.sendReprobe(
    {
      v: MESSAGE_VERSION,
      kind: 'reprobe',
      workspaceId: workspace.workspaceId,
      instanceId: workspace.instanceId,
      generation: workspace.generation,
      epoch: 0,
      verdictId: ports.ids.next(ports.clock.nowMs()),
      errorKind,
    },
    0,
  );
}
