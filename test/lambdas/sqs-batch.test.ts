import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ReprobeMessage } from '../../core/messages.ts';
import { telemetry } from '../../lambdas/adapters/log.ts';
import type { Received, Settled } from '../../lambdas/ports/queues.ts';
import { eachMessage } from '../../lambdas/runtime/each-message.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { reprobeMessage } from '../../lambdas/schemas/messages.ts';
import { aRecord } from './calls.ts';
import { aReprobeMessage } from './claimed.ts';
import { mockedAws, quietLog } from './mocked-aws.ts';

const good = aReprobeMessage();

let aws: ReturnType<typeof mockedAws>;
let seen: string[];
beforeEach(() => {
  aws = mockedAws();
  seen = [];
});

async function run(
  records: SQSRecord[],
  settle: (message: Received<ReprobeMessage>) => Promise<Settled> = () => Promise.resolve({ kind: 'done' }),
): Promise<string[]> {
  const handler = queueHandler<ReprobeMessage>({
    telemetry: telemetry(),
    sqs: new SQSClient({}),
    queueUrl: 'https://queues.test/reprobe',
    deadLetterUrl: 'https://queues.test/dlq',
    schema: reprobeMessage,
    handle: (messages) => {
      seen.push(...messages.map(({ id }) => id));
      return eachMessage(messages, quietLog(), settle);
    },
  });
  const answer = await handler({ Records: records }, {} as Context);
  return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}
const setAside = () => aws.sqs.commandCalls(SendMessageCommand).map((call) => call.args[0].input);
const hidden = () => aws.sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input);

describe('a message', () => {
  it('comes with its place in its group where the queue has groups', async () => {
    const places: (string | undefined)[] = [];
    const grouped = aRecord('b', good);
    grouped.attributes.SequenceNumber = '18849496460467696128';
    await run([aRecord('a', good), grouped], ({ sequence }) => {
      places.push(sequence);
      return Promise.resolve({ kind: 'done' });
    });
    expect(places).toEqual([undefined, '18849496460467696128']);
  });
});

describe('a message that is left as it is', () => {
  it('is seen again when its time is over, which nobody changes', async () => {
    expect(await run([aRecord('a', good)], () => Promise.resolve({ kind: 'left' }))).toEqual(['a']);
    expect(hidden()).toEqual([]);
  });
});

describe('a batch', () => {
  it('all done - an empty list of failures', async () => {
    expect(await run([aRecord('a', good), aRecord('b', good)])).toEqual([]);
  });

  it('one waits, one throws, one is done - exactly the unfinished ones are named', async () => {
    const failures = await run(
      [aRecord('wait', good), aRecord('throw', good), aRecord('done', good)],
      ({ id }) => {
        if (id === 'throw') return Promise.reject(new Error('fault'));
        return Promise.resolve(id === 'wait' ? { kind: 'again', afterSeconds: 7 } : { kind: 'done' });
      },
    );
    expect(failures.sort()).toEqual(['throw', 'wait']);
    expect(hidden()).toContainEqual(
      expect.objectContaining({ ReceiptHandle: 'handle-wait', VisibilityTimeout: 7 }),
    );
  });

  it('the use case fails as a whole - every message is seen again', async () => {
    const handler = queueHandler<ReprobeMessage>({
      telemetry: telemetry(),
      sqs: new SQSClient({}),
      queueUrl: 'https://queues.test/reprobe',
      deadLetterUrl: 'https://queues.test/dlq',
      schema: reprobeMessage,
      handle: () => Promise.reject(new Error('no table')),
    });
    const event = { Records: [aRecord('a', good), aRecord('b', good)] };
    const answer = await handler(event, {} as Context);
    expect(answer.batchItemFailures).toHaveLength(2);
  });

  it('the visibility cannot be changed - the message is still named as unfinished', async () => {
    aws.sqs.on(ChangeMessageVisibilityCommand).rejects(new Error('no'));
    expect(
      await run([aRecord('a', good)], () => Promise.resolve({ kind: 'again', afterSeconds: 5 })),
    ).toEqual(['a']);
  });
});

describe('a message that cannot be read', () => {
  it.each([
    ['empty', ''],
    ['not JSON', '{'],
    ['null', 'null'],
    ['an array', '[]'],
    ['of another kind', { ...good, kind: 'restart' }],
    ['without a generation', { ...good, generation: undefined }],
    ['with a negative generation', { ...good, generation: -1 }],
    ['with a generation as text', { ...good, generation: '3' }],
    ['with a generation past all integers', { ...good, generation: 2 ** 53 + 2 }],
    ['with an unknown field', { ...good, url: 'http://169.254.169.254/' }],
    ['with its version as text', { ...good, v: '1' }],
    ['a test event of S3', { Service: 'Amazon S3', Event: 's3:TestEvent' }],
  ])('%s - set aside in the dead-letter queue at once, and nothing else happens', async (_what, body) => {
    expect(await run([aRecord('bad', body), aRecord('good', good)])).toEqual([]);
    expect(setAside()).toHaveLength(1);
    expect(setAside()[0]).toMatchObject({ QueueUrl: 'https://queues.test/dlq' });
    expect(seen).toEqual(['good']);
  });

  it.each([0, 2])(
    'of schema version %i - waits for a function that knows it, then is set aside',
    async (v) => {
      expect(await run([aRecord('new', { ...good, v }, 1)])).toEqual(['new']);
      expect(setAside()).toHaveLength(0);
      expect(hidden()[0]).toMatchObject({ VisibilityTimeout: 30 });
      expect(await run([aRecord('new', { ...good, v }, 5)])).toEqual([]);
      expect(setAside()).toHaveLength(1);
      expect(seen).toEqual([]);
    },
  );

  it('the dead-letter queue cannot be reached - the message stays', async () => {
    aws.sqs.on(SendMessageCommand).rejects(new Error('no'));
    expect(await run([aRecord('bad', '{')])).toEqual(['bad']);
  });
});
