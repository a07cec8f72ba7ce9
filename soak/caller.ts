/**
 * A caller of one workspace, as a proxy would be: it reports a failed forward with the request to keep, and waits for
 * the answer before it sends the next. Sometimes its answer gets lost and it asks again with the same id, sometimes it
 * asks twice at once, changes its mind, or gives the request only seconds to live.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ApiClient } from '../local/api-client.ts';
import type { Chance } from './chance.ts';
import { promisedId, type SentRequest, type ToldAnswer } from './records.ts';

const habits = {
  plain: 68,
  'loses the answer': 10,
  'asks twice at once': 6,
  cancels: 6,
  'is in a hurry': 10,
};
const triesOfOneCall = 8;
const mostPaddingBytes = 3000;

export interface CallerParts {
  readonly workspaceId: string;
  readonly proxy: ApiClient;
  readonly chance: Chance;
  /** Whether the agent takes connections: what a proxy finds out by trying. */
  readonly isAgentUp: () => boolean;
  readonly sent: SentRequest[];
  readonly signal: AbortSignal;
  /** Tells the requests of this run from those of an earlier one. */
  readonly run: string;
}

/** Sends so many requests, each about `everyMs` after the one before, and resolves when all are answered. */
export async function callAgain(parts: CallerParts, count: number, everyMs: number): Promise<void> {
  const { chance, signal } = parts;
  const cancellations: Promise<void>[] = [];
  let dueMs = Date.now() + chance.between(0, everyMs);
  for (let seq = 1; seq <= count; seq += 1) {
    await sleep(Math.max(0, dueMs - Date.now()), undefined, { signal });
    dueMs += everyMs * chance.between(0.5, 1.5);
    const habit = chance.pick(habits);
    const request = await send(parts, seq, habit);
    if (habit === 'cancels') cancellations.push(cancel(parts, request, chance.between(0, 4000)));
  }
  await Promise.all(cancellations);
}

async function send(parts: CallerParts, seq: number, habit: keyof typeof habits): Promise<SentRequest> {
  const { workspaceId, chance, run } = parts;
  const padding = randomBytes(Math.floor(chance.between(0, mostPaddingBytes))).toString('base64');
  const id = `${workspaceId}-${run}-${String(seq).padStart(4, '0')}`;
  const body = Buffer.from(JSON.stringify({ workspaceId, seq, padding }));
  const request: SentRequest = {
    id,
    workspaceId,
    seq,
    sha256: createHash('sha256').update(body).digest('hex'),
    answers: [],
    failures: [],
  };
  parts.sent.push(request);
  const report = {
    // A forward to an agent that is up fails because it is busy; to one that is down it is refused.
    error: { kind: parts.isAgentUp() ? 'deadline' : 'refused' },
    request: {
      id,
      method: 'POST',
      path: '/turns',
      headers: { 'content-type': 'application/json' },
      body: body.toString('base64'),
      expiresInSeconds: habit === 'is in a hurry' ? Math.round(chance.between(1, 20)) : 3600,
      whenDead: chance.happens(0.85) ? 'park' : 'refuse',
    },
  };
  if (habit === 'asks twice at once') {
    await Promise.all([reportOnce(parts, request, report), reportOnce(parts, request, report)]);
  } else if (habit === 'loses the answer') {
    // It may come while the first call is still under way, or long after.
    const first = reportOnce(parts, request, report);
    await sleep(chance.between(0, 400));
    await reportUntilAnswered(parts, request, report);
    await first;
  }
  await reportUntilAnswered(parts, request, report);
  return request;
}

/** Until there is an answer that leaves nothing open. */
async function reportUntilAnswered(parts: CallerParts, request: SentRequest, report: unknown): Promise<void> {
  for (let triesLeft = triesOfOneCall; triesLeft > 0; triesLeft -= 1) {
    const last = request.answers.at(-1);
    if (last && last.status !== 500 && last.status !== 504 && last.code !== 'parking-failed') return;
    await reportOnce(parts, request, report);
    const { status = 0 } = request.answers.at(-1) ?? {};
    if (status === 0 || status >= 500) await sleep(500, undefined, { signal: parts.signal });
  }
}

async function reportOnce(
  { proxy, workspaceId }: CallerParts,
  request: SentRequest,
  report: unknown,
): Promise<void> {
  try {
    const { status, body } = await proxy.call('POST', `/workspaces/${workspaceId}/forward-errors`, report);
    const { code, requestId } = body as Partial<ToldAnswer>;
    const isId = typeof requestId === 'string';
    request.answers.push({ status, code: code ?? '', ...(isId && { requestId }), atMs: Date.now() });
  } catch (error) {
    request.failures.push(error instanceof Error ? error.message : String(error));
  }
}

async function cancel({ proxy, signal }: CallerParts, request: SentRequest, afterMs: number): Promise<void> {
  const requestId = promisedId(request);
  if (requestId === undefined) return;
  await sleep(afterMs, undefined, { signal });
  // An answer that is lost leaves it open whether the cancellation was done; asking again would say 409 either way.
  const { status } = await proxy.call('DELETE', `/requests/${requestId}`);
  request.cancelled = { status, atMs: Date.now() };
}
