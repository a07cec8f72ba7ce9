/** Row 84 of the catalogue of bad inputs: more messages at once than a function of the stack could be handed. */
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { expect, it } from 'vitest';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { queueHandler } from '../../lambdas/runtime/sqs-batch.ts';
import { restartMessage } from '../../lambdas/schemas/messages.ts';
import { mockedAws } from './mocked-aws.ts';

const MANY = 10_000;
const message = {
  v: 1,
  kind: 'restart',
  workspaceId: 'ws-1',
  instanceId: 'i-0123456789abcdef0',
  generation: 1,
  epoch: 0,
  token: '01KAVERDCTAAAAAAAAAAAAAAAA',
};

it('row 84: a batch of 10,000, every second one of which nobody can read - each is a dead letter, or handled, once', async () => {
  const aws = mockedAws();
  const handled: string[] = [];
  const handler = queueHandler({
    telemetry: telemetry(),
    sqs: new SQSClient({}),
    queueUrl: 'https://queues.test/own',
    deadLetterUrl: 'https://queues.test/dead-letters',
    schema: restartMessage,
    handle: (messages) => {
      handled.push(...messages.map(({ id }) => id));
      return Promise.resolve(new Map(messages.map(({ id }) => [id, { kind: 'done' as const }])));
    },
  });
  const Records = Array.from({ length: MANY }, (_, id) => ({
    messageId: `m-${id}`,
    receiptHandle: `h-${id}`,
    body: id % 2 === 0 ? JSON.stringify(message) : `not JSON ${id}`,
    attributes: { ApproximateReceiveCount: '1' },
  }));
  expect(await handler({ Records } as never, {} as Context)).toEqual({ batchItemFailures: [] });
  expect(new Set(handled).size).toBe(MANY / 2);
  const dead = aws.sqs.commandCalls(SendMessageCommand).map((it) => it.args[0].input.MessageBody);
  expect(new Set(dead).size).toBe(MANY / 2);
});
