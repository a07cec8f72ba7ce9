/** Defib's HTTP API as the demo uses it: as the operator, and as the proxy. Answers are checked as they come in. */
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
    return read(await this.#operator.call('PUT', `/workspaces/${workspaceId}`, at), workspace);
  }

  async workspace(workspaceId: string): Promise<WorkspaceView> {
    return read(await this.#operator.call('GET', `/workspaces/${workspaceId}`), workspace);
  }

  /** Removes a workspace, and refuses what is still parked for it. */
  async remove(workspaceId: string): Promise<void> {
    await this.#operator.call('DELETE', `/workspaces/${workspaceId}?parked=refuse`);
  }

  /** Reports a failed forward, and gives Defib the request to keep. `waitSeconds`: until the verdict is final. */
  async report(
    workspaceId: string,
    error: ForwardError,
    request: ReportedRequest,
    waitSeconds?: number,
  ): Promise<ReportAnswer> {
    const { id, path, headers, body } = request;
    const answer = await this.#proxy.call(
      'POST',
      `/workspaces/${workspaceId}/forward-errors`,
      {
        error,
        request: { id, method: 'POST', path, headers, body: body.toString('base64'), expiresInSeconds },
      },
      waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` },
    );
    const known = verdictAnswer.safeParse(answer.body);
    if (known.success) return { ...known.data, status: answer.status };
    throw new Error(`Defib answered ${answer.status} without a code`);
  }

  async receipt(workspaceId: string, verdictId: string): Promise<Receipt> {
    return read(await this.#proxy.call('GET', `/workspaces/${workspaceId}/verdicts/${verdictId}`), receipt);
  }

  async request(requestId: string): Promise<ParkedRequest> {
    return read(await this.#proxy.call('GET', `/requests/${requestId}`), parkedRequest);
  }

  close(): void {
    this.#operator.close();
    this.#proxy.close();
  }
}

function read<Shape extends z.ZodType>(answer: ApiAnswer, shape: Shape): z.infer<Shape> {
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(`Defib answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 200)}`);
  }
  return shape.parse(answer.body);
}
