/**
 * A Lambda event source mapping on a queue: it receives a batch, gives it to a function, and deletes what the answer
 * does not name. Nothing but a delete ever ends a message, so whatever goes wrong here brings it back.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import type { Message } from './message.ts';
import type { Queue } from './queue.ts';

export interface Batch {
  readonly event: SQSEvent;
  /** The function answered with this. */
  answered(response: unknown): void;
  /** The function threw, was ended, or was throttled: all come back when their visibility ends, one receive later. */
  failed(): void;
}

export class EventSource {
  readonly queue: Queue;
  readonly #batchSize: number;

  constructor(queue: Queue, { batchSize }: { readonly batchSize: number }) {
    this.queue = queue;
    this.#batchSize = batchSize;
  }

  /** The next batch; undefined when nothing is there. */
  next(): Batch | undefined {
    const messages = this.queue.receive(this.#batchSize);
    if (messages.length === 0) return undefined;
    return {
      event: { Records: messages.map((message) => recordOf(message, this.queue)) },
      answered: (response) => {
        for (const message of messages.filter(({ id }) => isDone(id, messages, response)))
          this.#delete(message);
      },
      failed: () => {},
    };
  }

  #delete(message: Message): void {
    try {
      this.queue.delete(message.handle ?? '');
    } catch {
      // Too late: its visibility has ended, and it will be received again.
    }
  }
}

/** An empty answer means that all is done; an answer that is not understood, that all has failed. */
function isDone(id: string, batch: readonly Message[], response: unknown): boolean {
  if (response === null || response === undefined) return true;
  const failures = (response as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === null || failures === undefined) return true;
  if (!Array.isArray(failures)) return false;
  const failed = failures.map(
    (failure: unknown) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier,
  );
  const isUnderstood = failed.every((name) => batch.some((message) => message.id === name));
  return isUnderstood && !failed.includes(id);
}

function recordOf(message: Message, queue: Queue): SQSRecord {
  return {
    messageId: message.id,
    receiptHandle: message.handle ?? '',
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receives),
      SentTimestamp: String(message.sentAtMs),
      SenderId: 'simulated',
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
      ...(queue.isFifo && {
        SequenceNumber: String(message.sequence),
        MessageGroupId: message.groupId ?? '',
        MessageDeduplicationId: message.deduplicationId ?? '',
      }),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queue.settings.name}`,
    awsRegion: 'us-east-1',
  };
}
