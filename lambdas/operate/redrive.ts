/**
 * Sends dead letters again. Each becomes a new request with the same key and the same bytes; the old row stays as it
 * ended. What would not be delivered now is not sent again: its time has passed, its caller may no longer report, its
 * workspace is gone or another one (S38).
 */
import { json, type Answer } from '../../core/answer.ts';
import { isOfEarlierRegistration, type ParkedRequest } from '../../core/parking.ts';
import { policyFor } from '../judging/policies.ts';
import { enqueue } from '../parking/park.ts';
import type { DeadLetters, StoredWorkspace } from '../ports.ts';
import { InvalidInputError, readBody, type ApiCall } from '../runtime/api-call.ts';
import { redriveBody } from '../schemas/api.ts';
import type { OperatePorts } from './subject.ts';

export interface RedrivePorts extends OperatePorts {
  readonly deadLetters: DeadLetters;
  /** Names of the roles that may report, and so may have requests delivered. */
  readonly reporterRoles: readonly string[];
}

const DEFAULT_LIMIT = 25;
const LIST_PAGE = 100;
/** The call must be answered before the gateway and the function give up: what is left is for the next call. */
const WORK_AT_MOST_MS = 8000;

type Redriven = { readonly requestId: string; readonly redriveOf: string };
type Skipped = { readonly requestId: string; readonly why: string };

export async function redriveDeadLetters(call: ApiCall, ports: RedrivePorts): Promise<Answer> {
  const body = readBody(call, redriveBody);
  const limit = body.limit ?? DEFAULT_LIMIT;
  const ids = body.requestIds?.slice(0, limit);
  const chosen = ids
    ? await named(ports, ids)
    : await latest(ports, { workspaceId: body.workspaceId, limit });
  const redriven: Redriven[] = [];
  const skipped: Skipped[] = chosen.unknown.map((requestId) => ({ requestId, why: 'unknown-request' }));
  const untilMs = ports.clock.nowMs() + WORK_AT_MOST_MS;
  let more = chosen.more || (body.requestIds?.length ?? 0) > limit;
  // In the order in which they were first accepted, so that a workspace gets them in that order again.
  for (const letter of chosen.letters.toSorted((one, other) => (one.requestId < other.requestId ? -1 : 1))) {
    if (ports.clock.nowMs() >= untilMs) {
      more = true;
      break;
    }
    const done = await redriveOne(ports, call, letter, body.dryRun ?? false);
    if ('redriveOf' in done) redriven.push(done);
    else skipped.push(done);
  }
  return json(200, { dryRun: body.dryRun ?? false, redriven, skipped, more });
}

interface Chosen {
  readonly letters: readonly ParkedRequest[];
  readonly unknown: readonly string[];
  readonly more: boolean;
}

async function named(ports: RedrivePorts, requestIds: readonly string[]): Promise<Chosen> {
  if (new Set(requestIds).size < requestIds.length)
    throw new InvalidInputError([{ field: 'requestIds', problem: 'names a request twice' }]);
  const rows = await Promise.all(requestIds.map((id) => ports.ledger.read(id)));
  const letters = rows.filter((row) => row?.state === 'dead-lettered').filter((row) => row !== undefined);
  const found = new Set(letters.map((row) => row.requestId));
  return { letters, unknown: requestIds.filter((id) => !found.has(id)), more: false };
}

async function latest(
  ports: RedrivePorts,
  { workspaceId, limit }: { readonly workspaceId: string | undefined; readonly limit: number },
): Promise<Chosen> {
  const letters: ParkedRequest[] = [];
  let cursor: string | undefined;
  do {
    const page = await ports.deadLetters.list(LIST_PAGE, cursor);
    const ofInterest = page.requests.filter(
      (row) => workspaceId === undefined || row.workspaceId === workspaceId,
    );
    const made = await Promise.all(ofInterest.map((row) => madeOf(ports, row)));
    letters.push(...ofInterest.filter((_, index) => !made[index] || !isThrough(made[index])));
    cursor = page.cursor;
  } while (cursor !== undefined && letters.length <= limit);
  return {
    letters: letters.slice(0, limit),
    unknown: [],
    more: letters.length > limit || cursor !== undefined,
  };
}

/** What was made of a dead letter before. */
async function madeOf(
  ports: RedrivePorts,
  { redrivenAs }: ParkedRequest,
): Promise<ParkedRequest | undefined> {
  return redrivenAs === undefined ? undefined : ports.ledger.read(redrivenAs);
}

/**
 * Whether a dead letter needs no more redriving. What was never accepted came to nothing: it may be made again. What
 * waits to be accepted was left by a call that stopped half way, and is finished by the next (V11).
 */
function isThrough({ why, state }: ParkedRequest): boolean {
  return why !== 'never-accepted' && state !== 'accepting';
}

async function redriveOne(
  ports: RedrivePorts,
  call: ApiCall,
  letter: ParkedRequest,
  dryRun: boolean,
): Promise<Redriven | Skipped> {
  const { requestId } = letter;
  const made = await madeOf(ports, letter);
  if (made && isThrough(made)) return { requestId: made.requestId, redriveOf: requestId };
  const [{ value: workspace }, message] = await Promise.all([
    ports.workspaces.read(letter.workspaceId),
    ports.deadLetters.read(requestId),
  ]);
  const why = message ? whyNot(ports, letter, workspace, call.now.latestMs) : 'body-lost';
  if (why !== undefined || !message || typeof workspace !== 'object')
    return { requestId, why: why ?? 'body-lost' };
  const row =
    made?.state === 'accepting' ? made : newRow(letter, workspace.generation, ports, call.now.latestMs);
  if (dryRun) return { requestId: row.requestId, redriveOf: requestId };
  if (made?.state !== 'accepting') {
    const { parkedMax } = policyFor(ports.settings, workspace);
    const accepted = await ports.deadLetters.acceptAgain(letter, row, parkedMax);
    if (accepted !== 'accepted') return { requestId, why: accepted === 'full' ? 'parked-full' : accepted };
  }
  const parked = await enqueue(ports, row, {
    ...message,
    requestId: row.requestId,
    enqueueNo: row.enqueueNo,
  });
  return parked.kind === 'parked'
    ? { requestId: row.requestId, redriveOf: requestId }
    : { requestId, why: 'parking-failed' };
}

/** Expiry and authorisation are judged as of now, not as of then. */
function whyNot(
  ports: RedrivePorts,
  letter: ParkedRequest,
  workspace: StoredWorkspace,
  nowMs: number,
): string | undefined {
  if (nowMs >= letter.expiresAtMs) return 'expired';
  if (workspace === 'malformed') return 'workspace-unreadable';
  if (workspace === 'absent' || isOfEarlierRegistration(letter, workspace)) return 'workspace-removed';
  const roles = [...ports.reporterRoles, ...ports.operatorRoles];
  return roles.some((name) => letter.caller === `role/${name}`) ? undefined : 'forbidden';
}

/** The same request anew: nothing of what happened to the old one but that a copy may have arrived. */
function newRow(
  letter: ParkedRequest,
  generation: number,
  ports: Pick<RedrivePorts, 'ids'>,
  nowMs: number,
): ParkedRequest {
  const { workspaceId, caller, bodyBytes, expiresAtMs, whenDead, errorClass, onAmbiguous } = letter;
  return {
    requestId: ports.ids.next(nowMs),
    workspaceId,
    caller,
    state: 'accepting',
    attempts: 0,
    bodyBytes,
    acceptedAtMs: nowMs,
    expiresAtMs,
    ambiguous: letter.ambiguous,
    whenDead,
    errorClass,
    ...(onAmbiguous !== undefined && { onAmbiguous }),
    generation,
    enqueueNo: 0,
    redriveOf: letter.requestId,
  };
}
