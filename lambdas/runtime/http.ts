/** From an API Gateway event to an ApiCall, and from an Answer to a response. Every fault becomes problem+json. */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2WithRequestContext, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { problem, retryAfterSeconds, type Answer } from '../../core/answer.ts';
import { callerOf } from '../../core/caller.ts';
import { rangeOfCall } from '../../core/time.ts';
import type { Telemetry } from '../adapters/log.ts';
import { BadCursorError } from '../adapters/table.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { inputOf } from '../schemas/route-inputs.ts';
import { InvalidInputError, readValue, type ApiCall } from './api-call.ts';

/** What calls this function is not always the gateway: a direct Invoke has no context, and so no caller. */
interface GatewayContext {
  readonly timeEpoch?: number;
  readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
}
export type GatewayEvent = APIGatewayProxyEventV2WithRequestContext<GatewayContext>;

/** Wraps a use case as the handler of a function behind the HTTP API. */
export function apiHandler(
  { logger, log }: Telemetry,
  clock: Clock,
  handle: (call: ApiCall) => Promise<Answer>,
) {
  return middy<GatewayEvent, APIGatewayProxyStructuredResultV2>()
    .use(injectLambdaContext(logger))
    .handler((event) => answerEvent({ log, clock, handle }, event));
}

/** The handler without what surrounds it. */
export async function answerEvent(
  { log, clock, handle }: { log: Log; clock: Clock; handle: (call: ApiCall) => Promise<Answer> },
  event: GatewayEvent,
): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    const call = callOf(event, clock);
    if (!call) return responseOf(problem('forbidden', 'The caller is not known.'));
    const input = inputOf(call.route);
    if (input) readValue(call.query, input.query, 'query');
    if (call.bodyText !== '') refuseOtherTypes(call.headers['content-type']);
    return responseOf(await handle(call));
  } catch (error) {
    if (error instanceof InvalidInputError) {
      return responseOf(problem('invalid-input', error.message, { errors: error.problems }));
    }
    if (error instanceof BadCursorError) return responseOf(problem('invalid-input', error.message));
    log.error('call failed', { route: event.routeKey }, error);
    log.count('CallFailed');
    // What failed may have been the answer of a write that was done.
    const detail =
      'Something that Defib depends on failed. Whether the call was carried out is not known; try again.';
    return responseOf(problem('unavailable', detail, { retryAfterSeconds: retryAfterSeconds.busy }));
  }
}

function callOf(event: GatewayEvent, clock: Clock): ApiCall | undefined {
  const { requestContext: context } = event as Partial<GatewayEvent>;
  const caller = callerOf(context?.authorizer?.iam?.userArn);
  if (!caller) return undefined;
  return {
    route: event.routeKey,
    params: Object.fromEntries(
      Object.entries(event.pathParameters ?? {}).map(([name, value]) => [name, value ?? '']),
    ),
    query: Object.fromEntries(
      Object.entries(event.queryStringParameters ?? {}).map(([name, value]) => [name, value ?? '']),
    ),
    headers: Object.fromEntries(
      Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value ?? '']),
    ),
    bodyText: bodyTextOf(event),
    caller,
    now: rangeOfCall(clock.nowMs(), event.requestContext.timeEpoch),
    gatewayTimeMs: event.requestContext.timeEpoch ?? clock.nowMs(),
  };
}

/** A body is JSON. Who says that it is something else is wrong about one of the two; who says nothing is believed. */
function refuseOtherTypes(contentType: string | undefined): void {
  const [mediaType = ''] = (contentType ?? '').toLowerCase().split(';');
  if (mediaType.trim() === '' || /^application\/(\S+\+)?json$/.test(mediaType.trim())) return;
  throw new InvalidInputError([{ field: 'Content-Type', problem: 'is not application/json' }]);
}

function bodyTextOf(event: GatewayEvent): string {
  if (event.body === undefined) return '';
  if (!event.isBase64Encoded) return event.body;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(event.body, 'base64'),
    );
  } catch {
    throw new InvalidInputError([{ field: 'body', problem: 'is not UTF-8 text' }]);
  }
}

function responseOf(answer: Answer): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: answer.status,
    headers: { ...answer.headers },
    ...(answer.body && { body: JSON.stringify(answer.body) }),
  };
}
