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
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { codeStatus } from '../../core/answer.ts';
import { routes, type Route } from '../../core/routes.ts';
import { instanceIndex } from '../../lambdas/adapters/instance-index.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleInstanceChange } from '../../lambdas/instance-change/handle.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { apiHandler } from '../../lambdas/runtime/http.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { instanceChange } from '../../lambdas/schemas/instance-change.ts';
import { parkedMessage, reprobeMessage, restartMessage } from '../../lambdas/schemas/messages.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import { fitting, holdsFor, inputsMade, notJson, unfitting } from './generated.ts';
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

vi.setConfig({ testTimeout: 900_000 });

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
  instances: instanceIndex(openTable(TABLE)),
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

const writes = () =>
  [UpdateCommand, PutCommand, DeleteCommand, TransactWriteCommand].flatMap((command) =>
    aws.dynamo.commandCalls(command as typeof UpdateCommand),
  ).length;
const claims = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .filter(({ args }) => /\bclaim = /.test(args[0].input.UpdateExpression ?? '')).length;
/** All that would have changed anything. */
const changes = () =>
  writes() +
  aws.sqs.commandCalls(SendMessageCommand).length +
  aws.sqs.commandCalls(ChangeMessageVisibilityCommand).length;
const acts = () =>
  aws.ec2.commandCalls(StartInstancesCommand).length + aws.ec2.commandCalls(StopInstancesCommand).length;
/** Before each input: the mocks would remember all calls of a run, gigabytes of them. */
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

const all = routes as readonly Route[];
const inputOf = ({ method, path }: Route) => routeInputs[`${method} ${path}` as RouteKey];
const withBody = all.filter((route) => inputOf(route).body !== undefined);
const withCursor = all.filter((route) => 'cursor' in inputOf(route).query.shape);
const withParameters = all.flatMap((route) =>
  [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ route, name })),
);
const apiFunctions = Object.keys(handlers) as Route['answeredBy'][];
const named = (list: readonly Route[]) =>
  list.map((route) => [`${route.method} ${route.path}`, route] as const);

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

/** All properties of this file, which share a minute. */
const PROPERTIES =
  3 * withBody.length +
  all.length +
  withCursor.length +
  withParameters.length +
  apiFunctions.length +
  3 * Object.keys(consumers).length +
  2;
afterAll(() => {
  process.stderr.write(`generated inputs: ${inputsMade()} for ${PROPERTIES} properties\n`);
});

describe.each(named(withBody))('%s', (key, route) => {
  const { body: schema = expect.fail('no body'), bodyIsOptional } = routeInputs[key as RouteKey];

  it('is given a body that its schema refuses - 400 that names a field, nothing is written', () =>
    holdsFor(unfitting(schema), PROPERTIES, (value) => {
      const body = JSON.stringify(value);
      // What JSON can't say becomes something else on the way, and may fit then.
      fc.pre(!schema.safeParse(JSON.parse(body)).success);
      return expectRefused(route, { body });
    }));

  it('is given what is no JSON - 400, nothing is written', () =>
    holdsFor(notJson, PROPERTIES, async (body) => {
      fc.pre(body !== '' || bodyIsOptional !== true);
      await expectRefused(route, { body });
      await expectRefused(route, { body: Buffer.from(body).toString('base64'), isBase64Encoded: true });
    }));

  it('is given a body that its schema takes - answered by a known code, never as a fault', () =>
    holdsFor(fitting(schema), PROPERTIES, async (value) => {
      forget();
      const answer = await call(route, { body: JSON.stringify(value) });
      const { code } = JSON.parse(answer.body) as { code?: keyof typeof codeStatus };
      if (answer.status >= 400) expect(codeStatus[code ?? 'unavailable']).toBe(answer.status);
      expect(code).not.toBe('unavailable');
      expect(acts()).toBe(0);
    }));
});

const text = fc.oneof(
  fc.string(),
  fc.constantFrom('', ' ', '0', '-1', '1e9', 'a'.repeat(2000), '\u0000', '../x'),
);

it.each(named(all))('%s is given a query that it does not take - 400, nothing is written', (_key, route) => {
  const { query } = inputOf(route);
  const queries = fc.dictionary(fc.string(), text, { minKeys: 1, maxKeys: 3 });
  return holdsFor(queries, PROPERTIES, (queryStringParameters) => {
    fc.pre(!query.safeParse(queryStringParameters).success);
    return expectRefused(route, { queryStringParameters, body: '{}' });
  });
});

it.each(named(withCursor))(
  '%s is given a cursor that is none of its own - 400, nothing is written',
  (_key, route) => {
    const keys = fc.constantFrom('pk', 'sk', 'listKey', 'listSort', 'x');
    const forged = fc
      .oneof(fc.dictionary(keys, fc.oneof(text, fc.integer())), fc.jsonValue())
      .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
    return holdsFor(forged, PROPERTIES, async (cursor) => {
      forget();
      const answer = await call(route, { queryStringParameters: { cursor } });
      expect(answer.status).toBe(400);
      expect(changes()).toBe(0);
    });
  },
);

it.each(withParameters.map((it) => [`${it.route.method} ${it.route.path}`, it.name, it.route] as const))(
  '%s is given a %s that is none - 400 that names it, nothing is written',
  (_key, name, route) => {
    const odd = fc.constantFrom('a#b', 'a|b', 'ws/1', '%2e%2e%2f', 'ｗｓ', 'i-0123456789abcdef0 ');
    const right =
      name === 'workspaceId' ? /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/ : /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
    return holdsFor(fc.oneof(text, odd), PROPERTIES, (value) => {
      fc.pre(!right.test(value));
      const pathParameters = { workspaceId: 'ws-1', requestId: REQUEST, verdictId: REQUEST, [name]: value };
      return expectRefused(route, { pathParameters, body: '{"reason":"x"}' });
    });
  },
);

it.each(apiFunctions)(
  '%s is given an event that no gateway made - 403 or 400, nothing is written',
  (name) => {
    const handler = apiHandler(telemetry(), stoppedClock(), handlers[name]);
    return holdsFor(fc.object(), PROPERTIES, async (event) => {
      forget();
      const answer = await handler(event as never, {} as Context);
      expect([400, 403]).toContain(answer.statusCode);
      expect(changes()).toBe(0);
    });
  },
);

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

describe.each(Object.entries(consumers))('the consumer of the %s queue', (name, { schema, handle }) => {
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

  it('is given what it can not read - dead letters, or seen again, and nothing else happens', () =>
    holdsFor(
      fc.array(fc.tuple(bad, attributes), { minLength: 1, maxLength: 10 }),
      PROPERTIES,
      async (bodies) => {
        forget();
        fc.pre(bodies.every(([body]) => !fits(schema, body)));
        const failures = await run({ Records: bodies.map(([body, given], id) => record(id, body, given)) });
        expect(setAside() + failures.length).toBe(bodies.length);
        expect(changes() - setAside()).toBeLessThanOrEqual(failures.length);
        expect(acts()).toBe(0);
      },
    ));

  it('is given what reads well and means nothing - nothing is started or stopped, no message is lost', () =>
    holdsFor(
      fc.array(fc.tuple(fitting(schema), attributes), { minLength: 1, maxLength: 5 }),
      PROPERTIES,
      async (messages) => {
        forget();
        const known = messages.map(([message]) => ({ ...(message as object), workspaceId: 'ws-1' }));
        const records = known.map((it, id) => record(id, JSON.stringify(it), messages[id]?.[1]));
        const failures = await run({ Records: records });
        expect(records.map(({ messageId }) => messageId)).toEqual(expect.arrayContaining(failures));
        expect(new Set(failures).size).toBe(failures.length);
        // A second look that finds nothing to look at still closes its receipt; it claims nothing.
        expect(name === 'reprobe' ? claims() : writes()).toBe(0);
        expect(acts()).toBe(0);
      },
    ));

  it('is given an event that SQS did not make - throws nothing, and nothing happens', () =>
    holdsFor(
      fc.oneof(fc.object(), fc.record({ Records: fc.array(fc.object()) })),
      PROPERTIES,
      async (event) => {
        forget();
        await run(event);
        expect(changes() + acts()).toBe(0);
      },
    ));
});

describe('what hears of instances that start', () => {
  beforeEach(() => {
    const pk = `INSTANCE#${aStoredWorkspace().instanceId}`;
    holds(aws, aStoredWorkspace(), [{ pk, sk: 'WORKSPACES', workspaceIds: new Set(['ws-1']) }]);
  });

  it('is given an event that EC2 did not send - dropped, nothing is written', () =>
    holdsFor(fc.oneof(unfitting(instanceChange), fc.object()), PROPERTIES, async (event) => {
      fc.pre(!instanceChange.safeParse(event).success);
      forget();
      await handleInstanceChange(event, ports);
      expect(changes() + acts()).toBe(0);
    }));

  it('is given an event of a time, whatever time - a window opens at most, and only for its own instance', () =>
    holdsFor(fc.tuple(fitting(instanceChange), fc.boolean()), PROPERTIES, async ([event, isOurs]) => {
      forget();
      const { detail } = event as { detail: { 'instance-id': string } };
      const ours = { 'instance-id': aStoredWorkspace().instanceId };
      await handleInstanceChange({ ...(event as object), detail: { ...detail, ...(isOurs && ours) } }, ports);
      expect(changes()).toBeLessThanOrEqual(isOurs ? 1 : 0);
      expect(acts()).toBe(0);
    }));
});

function fits(schema: { safeParse(value: unknown): { success: boolean } }, text: string): boolean {
  try {
    return schema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
