/** The end of a request: once, in the ledger first, then as news. */
import type { FinalState, ParkedRequest } from '../../core/parking.ts';
import type { PolicySettings } from '../../core/policy.ts';
import type {
  AgentHttp,
  Clock,
  Ec2Probe,
  Events,
  EventType,
  Ids,
  KeptResponse,
  Ledger,
  Log,
  Queues,
  ReceiptStore,
  WorkspaceStore,
} from '../ports.ts';

export interface DeliverPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly receipts: ReceiptStore;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly ec2: Ec2Probe;
  readonly agents: AgentHttp;
  readonly events: Events;
  readonly log: Log;
  readonly settings: PolicySettings;
  /** Where agents may be: the workspace subnets, or the local stage's one address. */
  readonly reach: { readonly cidrs: readonly string[] } | { readonly localAddress: string };
}

const eventOf: Partial<Record<FinalState, EventType>> = {
  delivered: 'request.delivered',
  refused: 'request.refused',
  expired: 'request.expired',
  'dead-lettered': 'request.dead-lettered',
};

export async function endRequest(
  ports: Pick<DeliverPorts, 'clock' | 'ledger' | 'events' | 'log'>,
  request: ParkedRequest,
  end: {
    readonly state: FinalState;
    readonly why?: string;
    readonly response?: KeptResponse;
    readonly onlyFrom?: 'accepting' | 'parked';
  },
): Promise<'finished' | 'was-final'> {
  const { requestId, workspaceId } = request;
  const finished = await ports.ledger.finish(request, { ...end, atMs: ports.clock.nowMs() });
  if (finished === 'was-final') return finished;
  ports.log.info('request ended', { workspaceId, requestId, state: end.state, why: end.why });
  ports.log.count(`Request${end.state.replace('-l', 'L').replace(/^./, (first) => first.toUpperCase())}`);
  const type = eventOf[end.state];
  if (type) await ports.events.publish(type, { workspaceId, requestId, reason: end.why });
  return finished;
}
