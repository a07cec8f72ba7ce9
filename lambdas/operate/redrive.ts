/**
 * Sends dead letters again. Each becomes a new request with the same key and the same bytes; the old row stays as it
 * ended. What would not be delivered now is not sent again: its time has passed, its caller may no longer report, its
 * workspace is gone or another one (S38).
 */
import { json, type Answer } from '../../core/answer.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { policyFor } from '../judging/policies.ts';
import { enqueue } from '../parking/park.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import { readBody, type ApiCall } from '../runtime/api-call.ts';
import { redriveBody } from '../schemas/api.ts';
import {
  isThrough,
  latestLetters,
  madeOf,
  namedLetters,
  whyNotSent,
  type Skipped,
} from './dead-letters-chosen.ts';
import { WORK_AT_MOST_MS, type OperatePorts } from './subject.ts';

export interface RedrivePorts extends OperatePorts {
  readonly deadLetters: DeadLetters;
  /** Names of the roles that may report, and so may have requests delivered. */
  readonly reporterRoles: readonly string[];
}

const DEFAULT_LIMIT = 25;

type Redriven = { readonly requestId: string; readonly redriveOf: string };

export async function redriveDeadLetters(call: ApiCall, ports: RedrivePorts): Promise<Answer> {
  const body = readBody(call, redriveBody);
  const limit = body.limit ?? DEFAULT_LIMIT;
  const ids = body.requestIds?.slice(0, limit);
  const untilMs = ports.clock.nowMs() + WORK_AT_MOST_MS;
  const chosen = ids
    ? await namedLetters(ports, ids)
    : await latestLetters(ports, { workspaceId: body.workspaceId, limit, untilMs }, call.now.latestMs);
  const redriven: Redriven[] = [];
  const skipped: Skipped[] = [...chosen.skipped];
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
  const why = message ? whyNotSent(ports, letter, workspace, call.now.latestMs) : 'body-lost';
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
