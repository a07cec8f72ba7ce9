import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import {
  DeleteCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Context, SQSRecord } from 'aws-lambda';
import fc from 'fast-check';
import type * as z from 'zod/mini';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { codeStatus } from '../../core/answer.ts';
import { routes, type Route } from '../../core/routes.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { apiHandler } from '../../lambdas/runtime/http.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { parkedMessage, reprobeMessage, restartMessage } from '../../lambdas/schemas/messages.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import { fitting, notJson, RUNS, unfitting } from './generated.ts';
import {
  aStoredWorkspace,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  stoppedClock,
  TABLE,
} from './mocked-aws.ts';

vi.setConfig({ testTimeout: 600_000 });

const REQUEST = '01KAREQESTAAAAAAAAAAAAAAAA';
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof allPorts>;
beforeEach(() => {
  aws = mockedAws();
  ports = allPorts();
  holds(aws, aStoredWorkspace());
  ec2Shows(aws, 'running');
  aws.dynamo.on(QueryCommand).resolves({ Items: [], Count: 0 });
});

const allPorts = () => ({
  ...portsOver(aws),
  registry: registry(openTable(TABLE)),
  workspaceTag: { Key: 'defib:workspace', Value: 'true' },
  operatorRoles: ['operator'],
  reporterRoles: ['proxy'],
});

const handlers: Record<Route['answeredBy'], Parameters<typeof apiHandler>[2]> = {
  'forward-error': (call) => handleForwardError(call, ports),
  heartbeat: (call) => handleHeartbeat(call, ports),
  lookup: async (call) => handleLookup(call, ports),
  operate: async (call) => handleOperate(call, ports),
};

/** All that would have changed anything. */
const changes = () =>
  [UpdateCommand, PutCommand, DeleteCommand, TransactWriteCommand].flatMap((command) =>
    aws.dynamo.commandCalls(command as typeof UpdateCommand),
  ).length +
  aws.sqs.commandCalls(SendMessageCommand).length +
  aws.sqs.commandCalls(ChangeMessageVisibilityCommand).length;
const acts = () =>
  aws.ec2.commandCalls(StartInstancesCommand).length + aws.ec2.commandCalls(StopInstancesCommand).length;
const forget = () => {
  for (const client of Object.values(aws)) client.resetHistory();
};

async function call(route: Route, more: object) {
  const event = {
    version: '2.0',
    routeKey: `${route.method} ${route.path}`,
    headers: {},
    pathParameters: { workspaceId: 'ws-1', requestId: REQUEST, verdictId: REQUEST },
    requestContext: {
      timeEpoch: NOW_MS,
      authorizer: { iam: { userArn: 'arn:aws:sts::000000000000:assumed-role/operator/i-0123456789abcdef0' } },
    },
    isBase64Encoded: false,
    ...more,
  };
  const handler = apiHandler(telemetry(), stoppedClock(), handlers[route.answeredBy]);
  const answer = await handler(event as never, {} as Context);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer.body ?? '{}' };
}

/** A refusal: 400 in problem+json with a known code, and nothing is different afterwards. */
async function expectRefused(route: Route, more: object): Promise<void> {
  forget();
  const answer = await call(route, more);
  expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
  const { code, errors } = JSON.parse(answer.body) as { code: string; errors?: { field: string }[] };
  expect(code).toBe('invalid-input');
  expect(errors?.length).toBeGreaterThan(0);
  expect(changes()).toBe(0);
}

const withBody = (routes as readonly Route[]).filter(
  ({ method, path }) => routeInputs[`${method} ${path}` as RouteKey].body !== undefined,
);
const named = (list: readonly Route[]) =>
  list.map((route) => [`${route.method} ${route.path}`, route] as const);

describe.each(named(withBody))('%s', (key, route) => {
  const { body: schema = expect.fail('no body'), bodyIsOptional } = routeInputs[key as RouteKey];

  it('is given a body that its schema refuses - 400 that names a field, nothing is written', async () => {
    await fc.assert(
      fc.asyncProperty(unfitting(schema), (value) => {
        const body = JSON.stringify(value);
        // What JSON can't say becomes something else on the way, and may fit then.
        fc.pre(!schema.safeParse(JSON.parse(body)).success);
        return expectRefused(route, { body });
      }),
      { numRuns: RUNS },
    );
  });

  it('is given what is no JSON - 400, nothing is written', async () => {
    await fc.assert(
      fc.asyncProperty(notJson, async (body) => {
        fc.pre(body !== '' || bodyIsOptional !== true);
        await expectRefused(route, { body });
        await expectRefused(route, { body: Buffer.from(body).toString('base64'), isBase64Encoded: true });
      }),
      { numRuns: RUNS },
    );
  });

  it('is given a body that its schema takes - answered by a known code, never as a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fitting(schema), async (value) => {
        const answer = await call(route, { body: JSON.stringify(value) });
        const { code } = JSON.parse(answer.body) as { code?: keyof typeof codeStatus };
        if (answer.status >= 400) expect(codeStatus[code ?? 'unavailable']).toBe(answer.status);
        expect(code).not.toBe('unavailable');
        expect(acts()).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

describe.each(named(routes))('%s', (key, route) => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('', ' ', '0', '-1', '1e9', 'a'.repeat(2000), '\u0000', '../x'),
  );

  it('is given a query that it does not take - 400, nothing is written', async () => {
    const { query } = routeInputs[key as RouteKey];
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), text, { minKeys: 1, maxKeys: 3 }),
        (queryStringParameters) => {
          fc.pre(!query.safeParse(queryStringParameters).success);
          return expectRefused(route, { queryStringParameters, body: '{}' });
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('is given a cursor that is none of its own - 400, nothing is written', async () => {
    const { query } = routeInputs[key as RouteKey];
    if (!('cursor' in query.shape)) return;
    const forged = fc
      .oneof(
        fc.dictionary(fc.constantFrom('pk', 'sk', 'listKey', 'listSort', 'x'), fc.oneof(text, fc.integer())),
        fc.jsonValue(),
      )
      .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
    await fc.assert(
      fc.asyncProperty(forged, async (cursor) => {
        forget();
        const answer = await call(route, { queryStringParameters: { cursor } });
        expect(answer.status).toBe(400);
        expect(changes()).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  it.each(parameters)('is given a %s that is none - 400 that names it, nothing is written', async (name) => {
    const key = fc.oneof(
      text,
      fc.constantFrom('a#b', 'a|b', 'ws/1', '%2e%2e%2f', 'ｗｓ', 'i-0123456789abcdef0 '),
    );
    await fc.assert(
      fc.asyncProperty(key, async (value) => {
        const fits =
          name === 'workspaceId' ? /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/ : /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
        fc.pre(!fits.test(value));
        forget();
        const params = { workspaceId: 'ws-1', requestId: REQUEST, verdictId: REQUEST, [name]: value };
        const answer = await call(route, { pathParameters: params, body: '{}' });
        expect(answer.status).toBe(400);
        expect(changes()).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('an event that no gateway made', () => {
  it('is answered with 403 or 400, and nothing is written', async () => {
    const handler = apiHandler(telemetry(), stoppedClock(), handlers.operate);
    await fc.assert(
      fc.asyncProperty(fc.object(), async (event) => {
        forget();
        const answer = await handler(event as never, {} as Context);
        expect([400, 403]).toContain(answer.statusCode);
        expect(changes()).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

/** The three schemas are of three types; here they are only what tells right from wrong. */
const untyped = (schema: z.ZodMiniType, handle: (messages: never) => ReturnType<Handle>) => ({
  schema,
  handle: handle as Handle,
});
type Handle = Parameters<typeof queueHandler<unknown>>[0]['handle'];

const consumers = {
  reprobe: untyped(reprobeMessage, (it) => handleReprobes(it, ports)),
  restart: untyped(restartMessage, (it) => handleRestarts(it, ports)),
  deliver: untyped(parkedMessage, (it) => handleDeliveries(it, ports)),
};

const attributes = fc.oneof(
  fc.constant({
    ApproximateReceiveCount: '1',
    SentTimestamp: String(NOW_MS),
    ApproximateFirstReceiveTimestamp: String(NOW_MS),
  }),
  fc.dictionary(
    fc.constantFrom('ApproximateReceiveCount', 'SentTimestamp', 'ApproximateFirstReceiveTimestamp'),
    fc.constantFrom('', '0', '-1', 'x', '1e6', '9'.repeat(30), String(NOW_MS), String(NOW_MS + 3_600_000)),
  ),
  fc.constant(undefined),
);

describe.each(Object.entries(consumers))('the consumer of the %s queue', (_name, { schema, handle }) => {
  const run = async (event: unknown) => {
    const handler = queueHandler({
      telemetry: telemetry(),
      sqs: new SQSClient({}),
      queueUrl: 'https://queues.test/own',
      deadLetterUrl: 'https://queues.test/dead-letters',
      schema,
      handle,
    });
    const { batchItemFailures } = await handler(event as never, {} as Context);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  const record = (id: number, body: string, given: unknown) =>
    ({ messageId: `m-${id}`, receiptHandle: `h-${id}`, body, attributes: given }) as SQSRecord;
  const setAside = () =>
    aws.sqs
      .commandCalls(SendMessageCommand)
      .filter((it) => it.args[0].input.QueueUrl === 'https://queues.test/dead-letters').length;
  const bad = fc.oneof(
    unfitting(schema).map((value) => JSON.stringify(value)),
    notJson,
  );

  it('is given what it can not read - dead letters, or seen again, and nothing else happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(bad, attributes), { minLength: 1, maxLength: 10 }),
        async (bodies) => {
          forget();
          fc.pre(bodies.every(([body]) => !fits(schema, body)));
          const failures = await run({ Records: bodies.map(([body, given], id) => record(id, body, given)) });
          expect(setAside() + failures.length).toBe(bodies.length);
          expect(changes() - setAside()).toBeLessThanOrEqual(failures.length);
          expect(acts()).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('is given what reads well and means nothing - nothing is started or stopped, no message is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fitting(schema), attributes), { minLength: 1, maxLength: 5 }),
        async (messages) => {
          forget();
          const known = messages.map(([message]) => ({ ...(message as object), workspaceId: 'ws-1' }));
          const records = known.map((it, id) => record(id, JSON.stringify(it), messages[id]?.[1]));
          const failures = await run({ Records: records });
          expect(records.map(({ messageId }) => messageId)).toEqual(expect.arrayContaining(failures));
          expect(new Set(failures).size).toBe(failures.length);
          expect(acts()).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('is given an event that SQS did not make - throws nothing, and nothing happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.object(), fc.record({ Records: fc.array(fc.object()) })),
        async (event) => {
          forget();
          await run(event);
          expect(changes() + acts()).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

function fits(schema: { safeParse(value: unknown): { success: boolean } }, text: string): boolean {
  try {
    return schema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
