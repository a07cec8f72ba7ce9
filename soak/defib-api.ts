/** Defib's API as the soak uses it; a call that comes to nothing is made again, since each may be made twice. */
import { setTimeout as sleep } from 'node:timers/promises';

import * as z from 'zod';

import type { ApiAnswer, ApiClient } from '../local/api-client.ts';
import type { LedgerEntry } from './records.ts';

const request = z.looseObject({
  requestId: z.string(),
  workspaceId: z.string(),
  state: z.string(),
  attempts: z.number(),
  expiresAt: z.string(),
  why: z.string().optional(),
  response: z.looseObject({ status: z.number(), body: z.string() }).optional(),
});
const page = z.looseObject({ requests: z.array(request), cursor: z.string().nullable() });
const workspace = z.looseObject({ parked: z.number(), settling: z.unknown(), claim: z.unknown() });

const triesOfOneRead = 20;

export class DefibApi {
  readonly #operator: ApiClient;

  constructor(operator: ApiClient) {
    this.#operator = operator;
  }

  async register(workspaceId: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#read('PUT', `/workspaces/${workspaceId}`, body);
  }

  /** Tells Defib that the agent is about to be restarted. */
  async announceChange(workspaceId: string, seconds: number): Promise<void> {
    await this.#read('POST', `/workspaces/${workspaceId}/settle`, {
      reason: 'the soak restarts the agent',
      seconds,
    });
  }

  async parkedOf(workspaceId: string): Promise<number> {
    return workspace.parse((await this.#read('GET', `/workspaces/${workspaceId}`)).body).parked;
  }

  /** Undefined where the API knows no such request. */
  async request(requestId: string): Promise<LedgerEntry | undefined> {
    const answer = await this.#read('GET', `/requests/${requestId}`);
    return answer.status === 404 ? undefined : entryOf(request.parse(answer.body));
  }

  /** Requests of a workspace, page by page: those that wait, or those that ended in a state. */
  async list(workspaceId: string, endedAs?: string): Promise<LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    let cursor: string | null = null;
    do {
      const query: string = [
        'limit=200',
        ...(endedAs === undefined ? [] : [`state=${endedAs}`]),
        ...(cursor === null ? [] : [`cursor=${cursor}`]),
      ].join('&');
      const { body } = await this.#read('GET', `/workspaces/${workspaceId}/requests?${query}`);
      const seen = page.parse(body);
      found.push(...seen.requests.map(entryOf));
      ({ cursor } = seen);
    } while (cursor !== null);
    return found;
  }

  async #read(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    for (let triesLeft = triesOfOneRead - 1; ; triesLeft -= 1) {
      try {
        const answer = await this.#operator.call(method, path, body);
        if (answer.status < 300 || answer.status === 404) return answer;
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      } catch (error) {
        if (triesLeft === 0) throw error;
        await sleep(500);
      }
    }
  }
}

function entryOf({
  requestId,
  workspaceId,
  state,
  attempts,
  expiresAt,
  why,
  response,
}: z.infer<typeof request>): LedgerEntry {
  return {
    requestId,
    workspaceId,
    state,
    attempts,
    expiresAtMs: Date.parse(expiresAt),
    ...(why !== undefined && { why }),
    ...(response && { response: { status: response.status, body: response.body } }),
  };
}
