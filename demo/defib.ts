/** Defib's HTTP API as the demo uses it: as the operator, and as the proxy. Answers are checked as they come in. */
import pRetry from 'p-retry';
import * as z from 'zod';

import type { ForwardError } from '../core/forward-error.ts';
import type { ApiAnswer, ApiClient } from '../local/api-client.ts';

const verdictAnswer = z.looseObject({
  code: z.string(),
  verdict: z.string().optional(),
  reason: z.string().optional(),
  verdictId: z.string().optional(),
  requestId: z.string().optional(),
  restarting: z.boolean().optional(),
});

/** The answer to a reported forward error. */
export type ReportAnswer = z.infer<typeof verdictAnswer> & { readonly status: number };

const receipt = z.looseObject({
  verdictId: z.string(),
  verdict: z.enum(['alive', 'busy', 'dead', 'pending']),
  reason: z.string(),
  rule: z.string(),
  looks: z.array(
    z.looseObject({
      facts: z.looseObject({
        now: z.object({ earliestMs: z.number(), latestMs: z.number() }),
        workspace: z.union([
          z.string(),
          z.looseObject({ heartbeat: z.looseObject({ atMs: z.number() }).optional() }),
        ]),
        probe: z.looseObject({
          kind: z.string(),
          state: z.string().optional(),
          cause: z.string().optional(),
        }),
      }),
      judgement: z.looseObject({ rule: z.string(), reason: z.string() }),
    }),
  ),
});
export type Receipt = z.infer<typeof receipt>;

const parkedRequest = z.looseObject({
  requestId: z.string(),
  state: z.string(),
  attempts: z.number(),
  why: z.string().optional(),
});
export type ParkedRequest = z.infer<typeof parkedRequest>;

const workspace = z.looseObject({
  workspaceId: z.string(),
  heartbeat: z.looseObject({ bootId: z.string(), fresh: z.boolean(), freshUntil: z.string() }).nullable(),
  settling: z.looseObject({ until: z.string() }).nullable(),
  claim: z.looseObject({ step: z.string() }).nullable(),
  parked: z.number(),
});
export type WorkspaceView = z.infer<typeof workspace>;

/** The request as it goes to Defib: the bytes, and the caller's own id for them. */
export interface ReportedRequest {
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** For an answer that got lost on the way: every call here may be made twice, a report by its request's own id. */
const patience = { retries: 2, minTimeout: 500 };

/** Parked requests of the demo are given up after this; a run is over long before. */
const expiresInSeconds = 600;

export class Defib {
  readonly #operator: ApiClient;
  readonly #proxy: ApiClient;

  constructor(callers: { readonly operator: ApiClient; readonly proxy: ApiClient }) {
    this.#operator = callers.operator;
    this.#proxy = callers.proxy;
  }

  async register(workspaceId: string, at: { instanceId: string; port: number }): Promise<WorkspaceView> {
    return this.#read(workspace, () => this.#operator.call('PUT', `/workspaces/${workspaceId}`, at));
  }

  /** Removes a workspace, and refuses what is still parked for it. */
  async remove(workspaceId: string): Promise<void> {
    await this.#operator.call('DELETE', `/workspaces/${workspaceId}?parked=refuse`);
  }

  async workspace(workspaceId: string): Promise<WorkspaceView> {
    return this.#read(workspace, () => this.#operator.call('GET', `/workspaces/${workspaceId}`));
  }

  async receipt(workspaceId: string, verdictId: string): Promise<Receipt> {
    const path = `/workspaces/${workspaceId}/verdicts/${verdictId}`;
    return this.#read(receipt, () => this.#proxy.call('GET', path));
  }

  async request(requestId: string): Promise<ParkedRequest> {
    return this.#read(parkedRequest, () => this.#proxy.call('GET', `/requests/${requestId}`));
  }

  /** Reports a failed forward, and gives Defib the request to keep. `waitSeconds`: until the verdict is final. */
  async report(
    workspaceId: string,
    error: ForwardError,
    request: ReportedRequest,
    waitSeconds?: number,
  ): Promise<ReportAnswer> {
    const { id, path, headers, body } = request;
    const kept = { id, method: 'POST', path, headers, body: body.toString('base64'), expiresInSeconds };
    const prefer = waitSeconds === undefined ? undefined : { prefer: `wait=${waitSeconds}` };
    return pRetry(async () => {
      const address = `/workspaces/${workspaceId}/forward-errors`;
      const answer = await this.#proxy.call('POST', address, { error, request: kept }, prefer);
      const known = verdictAnswer.safeParse(answer.body);
      if (!known.success) throw new Error(`Defib answered ${answer.status} without a code`);
      return { ...known.data, status: answer.status };
    }, patience);
  }

  close(): void {
    this.#operator.close();
    this.#proxy.close();
  }

  async #read<Shape extends z.ZodType>(
    shape: Shape,
    call: () => Promise<ApiAnswer>,
  ): Promise<z.infer<Shape>> {
    return pRetry(async () => {
      const { status, body } = await call();
      if (status < 200 || status > 299) {
        throw new Error(`Defib answered ${status}: ${JSON.stringify(body).slice(0, 200)}`);
      }
      return shape.parse(body);
    }, patience);
  }
}
