/** The end of a request: once, in the ledger first, then as news. */
import type { FinalState, ParkedRequest } from '../../core/parking.ts';
import type { PolicySettings } from '../../core/policy.ts';
import type { AgentHttp } from '../ports/agents.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { Ec2Probe } from '../ports/ec2.ts';
import type { Events, EventType } from '../ports/events.ts';
import type { Ids } from '../ports/ids.ts';
import type { Finish, FinishedRequest, Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Queues } from '../ports/queues.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';

export interface DeliverPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly receipts: ReceiptStore;
  readonly ledger: Ledger;
  readonly deadLetters: Pick<DeadLetters, 'keep'>;
  readonly queues: Queues;
  readonly ec2: Ec2Probe;
  readonly agents: AgentHttp;
  readonly events: Events;
  readonly log: Log;
  readonly settings: PolicySettings;
  /** Where agents may be: the workspace subnets, or the local stage's one address. */
  readonly reach: { readonly cidrs: readonly string[] } | { readonly localAddress: string };
}

const eventOf: Record<FinalState, EventType> = {
  delivered: 'request.delivered',
  refused: 'request.refused',
  expired: 'request.expired',
  cancelled: 'request.cancelled',
  'dead-lettered': 'request.dead-lettered',
};

export type EndPorts = Pick<DeliverPorts, 'clock' | 'ledger' | 'events' | 'log'>;

/** How a request ends; the time is the clock's. */
export type RequestEnd = Omit<FinishedRequest, 'atMs'>;

export async function endRequest(ports: EndPorts, request: ParkedRequest, end: RequestEnd): Promise<Finish> {
  const { requestId, workspaceId } = request;
  const atMs = ports.clock.nowMs();
  const drain = end.drain && { ...end.drain, nextDueAtMs: atMs };
  const finished = await ports.ledger.finish(request, { ...end, ...(drain && { drain }), atMs });
  if (finished !== 'finished') return finished;
  ports.log.info('request ended', { workspaceId, requestId, state: end.state, why: end.why });
  ports.log.count(`Request${end.state.replace('-l', 'L').replace(/^./, (first) => first.toUpperCase())}`);
  await announceEnd(ports, request, end);
  return finished;
}

/**
 * Says how a request ended: at least once, since the row stays due until this was done, and the sweep does what a crash
 * left out. False: nobody may have been told.
 */
export async function announceEnd(
  ports: Pick<EndPorts, 'ledger' | 'events'>,
  { requestId, workspaceId }: ParkedRequest,
  { state, why }: Pick<RequestEnd, 'state' | 'why'>,
): Promise<boolean> {
  const published = await ports.events.publish(eventOf[state], { workspaceId, requestId, reason: why });
  if (published) await ports.ledger.noticed(requestId);
  return published;
}
