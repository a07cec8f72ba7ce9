/** Those who call Defib: a proxy that reports, an owner that cancels, an operator that redrives. */
import type { Answer } from '../../../core/answer.ts';
import { handleForwardError } from '../../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../../lambdas/heartbeat/handle.ts';
import { cancelRequest } from '../../../lambdas/operate/cancel.ts';
import { redriveDeadLetters } from '../../../lambdas/operate/redrive.ts';
import type { ApiCall } from '../../../lambdas/runtime/api-call.ts';
import { isFinalState, type RequestState } from '../../../core/parking.ts';
import type { AllPorts } from './ports.ts';
import { INSTANCE, WORKSPACE, type World } from './world.ts';

/** What a caller does who was told nothing, or that it failed: tries again after so long; never, when absent. */
export interface Patience {
  readonly repeatsAfterMs?: number;
}

export const soon: Patience = { repeatsAfterMs: 5000 };
/** Later than the sweep ends what nobody was promised. */
export const late: Patience = { repeatsAfterMs: 150_000 };
export const never: Patience = {};

const MOST_TRIES = 5;

/** Calls until it is answered; undefined when no answer came. */
async function insist(
  world: World,
  patience: Patience,
  handle: (ports: AllPorts) => Promise<Answer>,
): Promise<Answer | undefined> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const answer = await world.invoke(handle);
    if (typeof answer === 'object' && answer.status < 500) return answer;
    if (patience.repeatsAfterMs === undefined) return undefined;
    await world.time.sleep(patience.repeatsAfterMs);
  }
  throw new Error('never answered');
}

function callBy(role: 'proxy' | 'operator', { nowMs }: World['time'], more: Partial<ApiCall>): ApiCall {
  return {
    route: '$default',
    params: { workspaceId: WORKSPACE },
    query: {},
    headers: {},
    bodyText: '',
    caller: { principal: `role/${role}`, roleName: role, session: `${role}-1` },
    now: { earliestMs: nowMs, latestMs: nowMs },
    gatewayTimeMs: nowMs,
    ...more,
  };
}

export interface Reported {
  readonly id: string;
  readonly kind?: 'deadline' | 'refused';
  readonly more?: Record<string, unknown>;
}

/** Reports a forward that failed; gives the id of the request that was promised, if one was. */
export async function report(
  world: World,
  patience: Patience,
  { id, kind = 'deadline', more = {} }: Reported,
): Promise<string | undefined> {
  const request = {
    id,
    method: 'POST',
    path: '/a2a?x=1',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(`hello ${id}`).toString('base64'),
    ...more,
  };
  const bodyText = JSON.stringify({ error: { kind }, request });
  const answer = await insist(world, patience, (ports) =>
    handleForwardError(callBy('proxy', world.time, { bodyText }), ports),
  );
  if (answer?.status === 202) world.promised.add(String(answer.body?.['requestId']));
  return answer?.status === 202 ? String(answer.body?.['requestId']) : undefined;
}

/** The agent beats for the first time in its boot; when it is told that this failed, again. */
export async function beat(world: World, patience: Patience): Promise<void> {
  const bodyText = JSON.stringify({ bootId: 'boot-1', seq: 1 });
  const caller = { principal: 'role/agent', roleName: 'agent', session: INSTANCE };
  await insist(world, patience, (ports) =>
    handleHeartbeat({ ...callBy('proxy', world.time, { bodyText }), caller }, ports),
  );
}

export async function cancel(world: World, patience: Patience, requestId: string): Promise<void> {
  await insist(world, patience, (ports) =>
    cancelRequest(callBy('proxy', world.time, { params: { requestId } }), ports),
  );
}

/** Redrives until nothing is said to have failed. */
export async function redrive(
  world: World,
  patience: Patience,
  which: Record<string, unknown>,
): Promise<void> {
  const bodyText = JSON.stringify(which);
  await insist(world, patience, async (ports) => {
    const answer = await redriveDeadLetters(callBy('operator', world.time, { bodyText }), ports);
    const skipped = (answer.body?.['skipped'] ?? []) as { why: string }[];
    return skipped.some(({ why }) => why === 'parking-failed') ? { ...answer, status: 503 } : answer;
  });
}

/** Waits until a request has come to an end. */
export async function untilEnded(world: World, requestId: string): Promise<RequestState> {
  for (;;) {
    const row = await world.ledger.read(requestId);
    if (row && isFinalState(row.state)) return row.state;
    await world.time.sleep(10_000);
  }
}
