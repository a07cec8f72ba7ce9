import { describe, expect, test } from 'vitest';
import { awsStage, localStage, Synthesized, type Resource } from './synthesized.ts';

const { stack, defib } = awsStage();
const synthesized = new Synthesized(stack);
const templateQueues = synthesized.template.findResources('AWS::SQS::Queue') as Record<string, Resource>;
const idOf = (arn: string) => (stack.resolve(arn) as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
const propertiesOf = (arn: string) => templateQueues[idOf(arn)]?.Properties ?? {};

const days = (count: number) => count * 86_400;
const queues = {
  reprobe: {
    of: defib.judging.reprobes,
    worker: 'reprobe',
    visibility: 60,
    receives: 20,
    retention: days(4),
  },
  restart: {
    of: defib.restarting.restarts,
    worker: 'restart',
    visibility: 120,
    receives: 1000,
    retention: days(4),
  },
  parked: {
    of: defib.parking.parked,
    worker: 'receive',
    visibility: 90,
    receives: 1000,
    retention: days(14),
  },
  deliveries: {
    of: defib.parking.deliveries,
    worker: 'deliver',
    visibility: 900,
    receives: 20,
    // A hand-over that nobody takes in time is forgotten: the parked message was seen again.
    retention: 120,
  },
} as const;

describe.each(Object.entries(queues))('the %s queue', (name, expected) => {
  const properties = propertiesOf(expected.of.queue.queueArn);
  const deadLetters = propertiesOf(expected.of.deadLetters.queueArn);

  test('hides a message long enough for its function, and gives up after so many receives', () => {
    const timeout = synthesized.function(expected.worker)['Timeout'] as number;
    expect(properties['VisibilityTimeout']).toBe(expected.visibility);
    // A hand-over is never tried again, so there the time only has to be no shorter than the function's.
    expect(expected.visibility).toBeGreaterThanOrEqual(name === 'deliveries' ? timeout : 6 * timeout);
    expect(properties['RedrivePolicy']).toEqual({
      deadLetterTargetArn: stack.resolve(expected.of.deadLetters.queueArn) as unknown,
      maxReceiveCount: expected.receives,
    });
  });

  test('keeps dead letters for 14 days, at least as long as the messages themselves', () => {
    expect(properties['MessageRetentionPeriod']).toBe(expected.retention);
    expect(deadLetters['MessageRetentionPeriod']).toBe(days(14));
  });

  test('delays nothing by itself: how long to wait is said message by message', () => {
    expect(properties).not.toHaveProperty('DelaySeconds');
  });
});

test('requests are parked in order of their workspace, 1 MiB at most; their dead letters too', () => {
  for (const queue of [queues.parked.of.queue, queues.parked.of.deadLetters]) {
    expect(propertiesOf(queue.queueArn)).toMatchObject({
      FifoQueue: true,
      ContentBasedDeduplication: false,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      MaximumMessageSize: 1_048_576,
    });
  }
  const ordered = Object.values(templateQueues).filter(({ Properties }) => 'FifoQueue' in Properties);
  expect(ordered).toHaveLength(2);
});

test('a queue outlives the stack, is encrypted, and takes no plain HTTP', () => {
  expect(Object.keys(templateQueues)).toHaveLength(9);
  const key: unknown = stack.resolve(defib.encryption.key?.keyArn);
  const holdRequests = Object.values(queues).flatMap(({ of }) => [
    idOf(of.queue.queueArn),
    idOf(of.deadLetters.queueArn),
  ]);
  for (const [id, { Properties, DeletionPolicy, UpdateReplacePolicy }] of Object.entries(templateQueues)) {
    expect({
      id,
      DeletionPolicy,
      UpdateReplacePolicy,
      sealedBy: Properties['KmsMasterKeyId'] ?? Properties['SqsManagedSseEnabled'],
    }).toEqual({
      id,
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      // Where nothing of a caller's ever lies, SQS's own key will do.
      sealedBy: holdRequests.includes(id) ? key : true,
    });
    const policies = synthesized.resources('AWS::SQS::QueuePolicy').filter(({ Properties: policy }) => {
      const text = JSON.stringify(policy);
      return text.includes(`"Ref":"${id}"`) && text.includes('"aws:SecureTransport":"false"');
    });
    expect(policies).toHaveLength(1);
  }
});

test('functions take messages from their queue, and answer for each by itself', () => {
  const sources = synthesized.resources('AWS::Lambda::EventSourceMapping').map(({ Properties }) => ({
    from: JSON.stringify(Properties['EventSourceArn']),
    batch: Properties['BatchSize'],
    atOnce: (Properties['ScalingConfig'] as { MaximumConcurrency: number }).MaximumConcurrency,
    answers: Properties['FunctionResponseTypes'],
  }));
  const answers = ['ReportBatchItemFailures'];
  expect(sources).toHaveLength(4);
  expect(sources).toEqual(
    expect.arrayContaining([
      { from: synthesized.text(queues.reprobe.of.queue.queueArn), batch: 10, atOnce: 10, answers },
      { from: synthesized.text(queues.restart.of.queue.queueArn), batch: 10, atOnce: 5, answers },
      { from: synthesized.text(queues.parked.of.queue.queueArn), batch: 1, atOnce: 10, answers },
      { from: synthesized.text(queues.deliveries.of.queue.queueArn), batch: 1, atOnce: 50, answers },
    ]),
  );
});

test('no function of a queue also fills it: Lambda ends such circles, and the message with them', () => {
  for (const {
    of: { queue },
    worker,
  } of Object.values(queues)) {
    const sends = synthesized
      .statementsOf(synthesized.roleOf(worker))
      .filter(({ Action }) => JSON.stringify(Action).includes('sqs:SendMessage'));
    expect(JSON.stringify(sends)).not.toContain(synthesized.text(queue.queueArn));
  }
});

test('on the local stage queues go with the stack, and take plain HTTP', () => {
  const onLocal = new Synthesized(localStage().stack);
  expect(JSON.stringify(onLocal.resources('AWS::SQS::QueuePolicy'))).not.toContain('aws:SecureTransport');
  expect(onLocal.resources('AWS::SQS::Queue').map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(
    Array(9).fill('Delete'),
  );
});
