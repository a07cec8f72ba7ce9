/** Everything that is read: workspaces, verdicts, requests, the fleet. This function can change nothing. */
import { json, problem, type Answer } from '../../core/answer.ts';
import { restartSlots, UnreadableBrakeError } from '../../core/brake.ts';
import { isFinalState } from '../../core/parking.ts';
import { policyOf, type PolicySettings } from '../../core/policy.ts';
import { fleetView, receiptView, requestView, unreadableFleetView, workspaceView } from '../../core/view.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { BrakeStore } from '../ports/fleet.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { Stories } from '../ports/stories.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { estimateOf } from '../../core/drain.ts';
import { readValue, type ApiCall } from '../runtime/api-call.ts';
import { getTimeline } from './timeline.ts';
import { noQuery, pageQuery, requestsQuery, ulid, workspaceId as workspaceIdSchema } from '../schemas/api.ts';

export interface LookupPorts {
  readonly workspaces: Pick<WorkspaceStore, 'read' | 'list'>;
  readonly receipts: Pick<ReceiptStore, 'read' | 'list'>;
  readonly ledger: Pick<
    Ledger,
    'read' | 'readResponse' | 'countBefore' | 'listRequests' | 'parkedFor' | 'parkedCount'
  >;
  readonly deadLetters: Pick<DeadLetters, 'list'>;
  readonly stories: Stories;
  readonly brake: Pick<BrakeStore, 'read' | 'workspaceCount'>;
  readonly settings: PolicySettings;
  /** Names of the roles that may see every request. */
  readonly operatorRoles: readonly string[];
}

export function handleLookup(call: ApiCall, ports: LookupPorts): Promise<Answer> | Answer {
  switch (call.route) {
    case 'GET /workspaces/{workspaceId}':
      return getWorkspace(call, ports);
    case 'GET /workspaces':
      return listWorkspaces(call, ports);
    case 'GET /workspaces/{workspaceId}/verdicts':
      return listVerdicts(call, ports);
    case 'GET /workspaces/{workspaceId}/verdicts/{verdictId}':
      return getVerdict(call, ports);
    case 'GET /workspaces/{workspaceId}/requests':
      return listRequests(call, ports);
    case 'GET /workspaces/{workspaceId}/timeline':
      return getTimeline(call, ports);
    case 'GET /dead-letters':
      return listDeadLetters(call, ports);
    case 'GET /requests/{requestId}':
      return getRequest(call, ports);
    case 'GET /fleet':
      return getFleet(call, ports);
    default:
      return problem('no-route', 'There is no such route, or not with this method.');
  }
}

async function getWorkspace(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  readValue(call.query, noQuery, 'query');
  const workspaceId = workspaceIdOf(call);
  const [{ value: workspace }, parked, { receipts }] = await Promise.all([
    ports.workspaces.read(workspaceId),
    ports.ledger.parkedCount(workspaceId),
    ports.receipts.list(workspaceId, 1, undefined),
  ]);
  if (workspace === 'absent') return unknownWorkspace(workspaceId);
  if (workspace === 'malformed') throw new Error('the workspace cannot be read by this version');
  const [lastReceipt] = receipts;
  return json(
    200,
    workspaceView(workspace, ports.settings, call.now, { parked, ...(lastReceipt && { lastReceipt }) }),
  );
}

async function listWorkspaces(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  const { limit, cursor } = pageOf(readValue(call.query, pageQuery, 'query'));
  const page = await ports.workspaces.list(limit, cursor);
  const workspaces = await Promise.all(
    page.workspaces.map(async (workspace) =>
      workspaceView(workspace, ports.settings, call.now, {
        parked: await ports.ledger.parkedCount(workspace.workspaceId),
      }),
    ),
  );
  return json(200, { workspaces, cursor: page.cursor ?? null });
}

async function listVerdicts(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const { limit, cursor } = pageOf(readValue(call.query, pageQuery, 'query'));
  const [{ value: workspace }, page] = await Promise.all([
    ports.workspaces.read(workspaceId),
    ports.receipts.list(workspaceId, limit, cursor),
  ]);
  if (workspace === 'absent') return unknownWorkspace(workspaceId);
  return json(200, { verdicts: page.receipts.map(receiptView), cursor: page.cursor ?? null });
}

async function getVerdict(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  readValue(call.query, noQuery, 'query');
  const verdictId = readValue(call.params['verdictId'], ulid, 'verdictId');
  const receipt = await ports.receipts.read(workspaceIdOf(call), verdictId);
  return receipt
    ? json(200, receiptView(receipt))
    : problem('unknown-verdict', 'There is no such verdict, or it is too old.');
}

async function listRequests(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  const workspaceId = workspaceIdOf(call);
  const query = readValue(call.query, requestsQuery, 'query');
  const { limit, cursor } = pageOf(query);
  const ended = query.state !== undefined && isFinalState(query.state);
  const [{ value: workspace }, page] = await Promise.all([
    ports.workspaces.read(workspaceId),
    ports.ledger.listRequests(workspaceId, { limit, ended, ...(cursor !== undefined && { cursor }) }),
  ]);
  if (workspace === 'absent') return unknownWorkspace(workspaceId);
  const shown = page.requests.filter(({ state }) => query.state === undefined || state === query.state);
  return json(200, { requests: shown.map((request) => requestView(request)), cursor: page.cursor ?? null });
}

async function listDeadLetters(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  const { limit, cursor } = pageOf(readValue(call.query, pageQuery, 'query'));
  const page = await ports.deadLetters.list(limit, cursor);
  return json(200, {
    requests: page.requests.map((request) => requestView(request)),
    cursor: page.cursor ?? null,
  });
}

/** To everybody but its owner and operators a request does not exist: the answer tells them nothing (S28). */
async function getRequest(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  readValue(call.query, noQuery, 'query');
  const requestId = readValue(call.params['requestId'], ulid, 'requestId');
  const request = await ports.ledger.read(requestId);
  const mayRead = request && (request.caller === call.caller.principal || isOperator(call, ports));
  if (!mayRead || request.state === 'accepting')
    return problem('unknown-request', 'There is no such request.');
  if (isFinalState(request.state)) {
    const response = await ports.ledger.readResponse(requestId);
    return json(200, requestView(request, response ? { response: { ...response } } : {}));
  }
  const [before, { drain }] = await Promise.all([
    ports.ledger.countBefore(request.workspaceId, requestId),
    ports.ledger.parkedFor(request.workspaceId),
  ]);
  const position = before + 1;
  const estimate = estimateOf(drain, position, call.now);
  return json(200, requestView(request, { position, ...(estimate && { estimate }) }));
}

async function getFleet(call: ApiCall, ports: LookupPorts): Promise<Answer> {
  readValue(call.query, noQuery, 'query');
  const count = await ports.brake.workspaceCount();
  const slots = restartSlots(count, policyOf(ports.settings));
  try {
    return json(200, fleetView(await ports.brake.read(), count, slots));
  } catch (error) {
    if (error instanceof UnreadableBrakeError) return json(200, unreadableFleetView(count, slots));
    throw error;
  }
}

function isOperator(call: ApiCall, ports: LookupPorts): boolean {
  return call.caller.roleName !== undefined && ports.operatorRoles.includes(call.caller.roleName);
}

function workspaceIdOf(call: ApiCall): string {
  return readValue(call.params['workspaceId'], workspaceIdSchema, 'workspaceId');
}

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 200;

function pageOf(query: { limit?: string | undefined; cursor?: string | undefined }) {
  return { limit: Math.min(Number(query.limit ?? DEFAULT_PAGE), LARGEST_PAGE), cursor: query.cursor };
}

function unknownWorkspace(workspaceId: string): Answer {
  return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
}
