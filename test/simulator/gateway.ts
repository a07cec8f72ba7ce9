/** The HTTP API: who calls, what arrives, and an answer that may be lost on its way back. */
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { Ended, LambdaWorld } from './lambda.ts';

export interface ApiRequest {
  /** `POST /workspaces/{workspaceId}/heartbeats` */
  readonly route: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly role: string;
  readonly session: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface GatewayWorld extends LambdaWorld {
  readonly lambda: { invoke(fn: FunctionName, event: unknown): Promise<Ended> };
  /** An answer, whether or not its caller hears of it. `calledMs`: when the call was made. */
  answered(request: ApiRequest, answer: ApiAnswer, calledMs: number): void;
}

/** The gateway gives up then; the function goes on. */
const GATEWAY_MS = 29_000;

/** Calls the API; undefined when the caller got no answer, whatever was done. */
export function callApi(world: GatewayWorld, request: ApiRequest): Promise<ApiAnswer | undefined> {
  const { random, weights, isCalm } = world;
  // A client or something in between that got no answer may send the same call again by itself.
  if (!isCalm && random.chance(weights.calledTwice)) {
    world.seen('call twice');
    world.time.after(random.between(0, 1500), () => void once(world, request));
  }
  return once(world, request);
}

function once(world: GatewayWorld, request: ApiRequest): Promise<ApiAnswer | undefined> {
  const { time, random, weights } = world;
  const calledMs = time.nowMs();
  return new Promise((resolve) => {
    const givesUp = time.after(GATEWAY_MS, () => {
      resolve(undefined);
    });
    const tell = (answer: ApiAnswer | undefined): void => {
      givesUp.isOff = true;
      resolve(answer);
    };
    void world.lambda.invoke(functionOf(request.route), eventOf(request, time.nowMs())).then((ended) => {
      const answer = ended.kind === 'returned' ? answerOf(ended.value) : undefined;
      if (answer) world.answered(request, answer, calledMs);
      if (!world.isCalm && random.chance(weights.answerLost)) {
        world.seen('answer lost');
        tell(undefined);
      } else tell(answer);
    });
  });
}

function functionOf(route: string): FunctionName {
  if (route.endsWith('/heartbeats')) return 'heartbeat';
  if (route.endsWith('/forward-errors')) return 'forward-error';
  return route.startsWith('GET ') ? 'lookup' : 'operate';
}

function eventOf(
  { route, params = {}, query = {}, headers = {}, body, role, session }: ApiRequest,
  nowMs: number,
) {
  return {
    routeKey: route,
    pathParameters: params,
    queryStringParameters: query,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
    requestContext: {
      timeEpoch: nowMs,
      authorizer: { iam: { userArn: `arn:aws:sts::123456789012:assumed-role/${role}/${session}` } },
    },
  };
}

function answerOf(value: unknown): ApiAnswer {
  const { statusCode, body } = value as { statusCode: number; body?: string };
  return { status: statusCode, body: body === undefined ? {} : (JSON.parse(body) as ApiAnswer['body']) };
}
