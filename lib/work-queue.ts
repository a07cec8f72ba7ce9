import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { DeduplicationScope, FifoThroughputLimit, Queue, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';
import type { DefibFunction } from './defib-function.ts';
import type { Encryption } from './encryption.ts';
import type { Foundations } from './foundations.ts';
import { keptOffLocal } from './local-stage.ts';

const longestRetention = Duration.days(14);
/** SQS's largest message: a request of 700 KiB in base64 just fits. */
const largestMessage = 1_048_576;

/** FIFO in groups of one workspace each: a slow workspace holds up nobody else. */
const fifoByGroup: QueueProps = {
  fifo: true,
  contentBasedDeduplication: false,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
};

export interface WorkQueueProps {
  /** Names of the variables by which functions learn the two URLs. */
  readonly urlNames: { readonly queue: string; readonly deadLetters: string };
  readonly kind: 'standard' | 'fifo';
  readonly visibilityTimeout: Duration;
  readonly maxReceiveCount: number;
  readonly retention: Duration;
  readonly foundations: Foundations;
}

/**
 * A queue with its dead-letter queue and that one's alarm. Each method gives a function one thing to do here, by
 * permission and by environment at once, so that neither is ever without the other.
 */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly #urlNames: WorkQueueProps['urlNames'];
  readonly #encryption: Encryption;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    const { local, alarms, encryption } = props.foundations;
    this.#urlNames = props.urlNames;
    this.#encryption = encryption;
    const common: QueueProps = {
      ...encryption.ofQueues,
      // The emulator speaks plain HTTP.
      enforceSSL: local === undefined,
      removalPolicy: keptOffLocal(local),
      maxMessageSizeBytes: largestMessage,
      ...(props.kind === 'fifo' && fifoByGroup),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: longestRetention });
    accept(this.deadLetters, {
      'Serverless-SQSRedrivePolicy': 'The dead letters of dead letters would be looked at by nobody either.',
    });
    if (local !== undefined) {
      accept(this, { 'Defib-KeptWithTheStackGone': 'Nothing on an emulator is worth keeping.' });
    }
    this.queue = new Queue(this, 'Queue', {
      ...common,
      visibilityTimeout: props.visibilityTimeout,
      retentionPeriod: props.retention,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.maxReceiveCount },
    });
    alarms.add(this, 'DeadLettersNotEmpty', {
      severity: 'page',
      runbook: 'dead-letters',
      says: `Messages of ${this.node.path} were given up.`,
      // Moves by SQS's own redrive don't count as sent; only what lies there does.
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      when: { atLeast: 1 },
    });
  }

  /** Lets a function send messages here. */
  filledBy(fn: DefibFunction): void {
    fn.addEnvironment(this.#urlNames.queue, this.queue.queueUrl);
    fn.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    this.#encryption.usedBy(fn, { does: 'seals', by: 'sqs' });
  }

  /** Lets a function send a message that can never succeed to the dead letters itself. */
  buriedBy(fn: DefibFunction): void {
    fn.addEnvironment(this.#urlNames.deadLetters, this.deadLetters.queueUrl);
    fn.allow(['sqs:SendMessage'], [this.deadLetters.queueArn]);
    this.#encryption.usedBy(fn, { does: 'seals', by: 'sqs' });
  }

  /** Lets a function ask how much waits here. */
  countedBy(fn: DefibFunction): void {
    fn.addEnvironment(this.#urlNames.queue, this.queue.queueUrl);
    fn.allow(['sqs:GetQueueAttributes'], [this.queue.queueArn]);
  }

  /** Lets a function wake or put off a message that another one holds or waits for. */
  hurriedBy(fn: DefibFunction): void {
    fn.addEnvironment(this.#urlNames.queue, this.queue.queueUrl);
    fn.allow(['sqs:ChangeMessageVisibility'], [this.queue.queueArn]);
  }

  /** Lets a function settle messages that another one has received and handed on to it. */
  settledBy(fn: DefibFunction): void {
    fn.addEnvironment(this.#urlNames.queue, this.queue.queueUrl);
    fn.allow(['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage'], [this.queue.queueArn]);
  }

  /** Has a function work through the queue, and wait by visibility. Failures are reported message by message. */
  workedBy(
    fn: DefibFunction,
    { batchSize, maxConcurrency }: { batchSize: number; maxConcurrency: number },
  ): void {
    fn.addEnvironment(this.#urlNames.queue, this.queue.queueUrl);
    fn.lambda.addEventSource(
      new SqsEventSource(this.queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }),
    );
    accept(fn, {
      'Serverless-LambdaEventSourceMappingDestination':
        'A source that is a queue takes no destination: what fails goes to the dead letters of the queue.',
    });
  }
}
