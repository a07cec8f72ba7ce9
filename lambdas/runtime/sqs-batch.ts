/**
 * An SQS batch, message by message. What is done is deleted; what must be seen again is named in the answer, and only
 * that (S26): an empty answer means "all done". Waiting is done by visibility, never by sending to our own queue. What
 * can't be read goes to the dead-letter queue by our own hand, since these queues allow many receives (S32, V10).
 */
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type * as z from 'zod/mini';
import { UNKNOWN_VERSION_RECEIVES } from '../../core/messages.ts';
import type { Telemetry } from '../adapters/log.ts';
import type { Received, Settled } from '../ports/queues.ts';
import { parseMessage } from '../schemas/messages.ts';
import { retrySeconds } from './each-message.ts';

/** How long a message of a newer schema waits for a newer function. */
const UNKNOWN_VERSION_WAIT_SECONDS = 30;

export interface Consumer<T> {
  readonly telemetry: Pick<Telemetry, 'log'>;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly deadLetterUrl: string;
  readonly schema: z.ZodMiniType<T>;
  /** Settles each message; one that is missing from the answer is seen again. */
  readonly handle: (messages: readonly Received<T>[]) => Promise<ReadonlyMap<string, Settled>>;
}

/** Wraps a use case as the handler of a function behind a queue. */
export function queueHandler<T>(consumer: Consumer<T> & { readonly telemetry: Telemetry }) {
  return middy<SQSEvent, SQSBatchResponse>()
    .use(injectLambdaContext(consumer.telemetry.logger))
    .handler((event) => answerBatch(consumer, event));
}

/** The handler without what surrounds it. */
export async function answerBatch<T>(consumer: Consumer<T>, event: SQSEvent): Promise<SQSBatchResponse> {
  return { batchItemFailures: await runBatch(consumer, recordsOf(event)) };
}

/** The records, each whole: an event that SQS did not make may lack any part, and must not take the others with it. */
function recordsOf(event: Partial<SQSEvent>): SQSRecord[] {
  const records: readonly Partial<SQSRecord>[] = Array.isArray(event.Records) ? event.Records : [];
  return records.flatMap((record) => {
    if (typeof record.messageId !== 'string' || typeof record.receiptHandle !== 'string') return [];
    const body = typeof record.body === 'string' ? record.body : '';
    return [{ ...record, body, attributes: record.attributes ?? {} } as SQSRecord];
  });
}

async function runBatch<T>(
  consumer: Consumer<T>,
  records: readonly SQSRecord[],
): Promise<SQSBatchResponse['batchItemFailures']> {
  const unfinished: string[] = [];
  const readable: Received<T>[] = [];
  for (const record of records) {
    const parsed = parseMessage(record.body, consumer.schema);
    if (parsed.kind === 'message') readable.push(receivedOf(record, parsed.message));
    else if (!(await setAside(consumer, record, parsed.kind))) unfinished.push(record.messageId);
  }
  const settled = readable.length > 0 ? await settleAll(consumer, readable) : new Map<string, Settled>();
  for (const message of readable) {
    const outcome = settled.get(message.id) ?? {
      kind: 'again',
      afterSeconds: retrySeconds(message.receives),
    };
    if (outcome.kind === 'done') continue;
    unfinished.push(message.id);
    if (outcome.kind === 'left') continue;
    await hide(consumer, message.receiptHandle, outcome.afterSeconds);
  }
  return unfinished.map((itemIdentifier) => ({ itemIdentifier }));
}

/** A fault of the whole batch leaves each of its messages to be seen again. */
async function settleAll<T>(consumer: Consumer<T>, messages: readonly Received<T>[]) {
  try {
    return await consumer.handle(messages);
  } catch (error) {
    consumer.telemetry.log.error('batch failed', { messages: messages.length }, error);
    consumer.telemetry.log.count('BatchFailed');
    return new Map<string, Settled>();
  }
}

/** Moves an unreadable message to the dead-letter queue; false while it must stay. */
async function setAside<T>(consumer: Consumer<T>, record: SQSRecord, kind: 'malformed' | 'unknown-version') {
  const { log } = consumer.telemetry;
  const receives = Number(record.attributes.ApproximateReceiveCount);
  if (kind === 'unknown-version' && !(receives >= UNKNOWN_VERSION_RECEIVES)) {
    await hide(consumer, record.receiptHandle, UNKNOWN_VERSION_WAIT_SECONDS);
    return false;
  }
  try {
    const isFifo = consumer.deadLetterUrl.endsWith('.fifo');
    await consumer.sqs.send(
      new SendMessageCommand({
        QueueUrl: consumer.deadLetterUrl,
        MessageBody: record.body === '' ? '(empty)' : record.body,
        ...(isFifo && { MessageGroupId: 'poison', MessageDeduplicationId: record.messageId }),
      }),
    );
    log.warn('message set aside', { kind, messageId: record.messageId });
    log.count('MessageSetAside');
    return true;
  } catch (error) {
    log.error('message could not be set aside', { messageId: record.messageId }, error);
    return false;
  }
}

/** Best effort: when it fails, the queue's own visibility time-out brings the message back. */
async function hide<T>(consumer: Consumer<T>, receiptHandle: string, seconds: number): Promise<void> {
  try {
    await consumer.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: consumer.queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.max(0, Math.round(seconds)),
      }),
    );
  } catch (error) {
    consumer.telemetry.log.warn('visibility not changed', {
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}

function receivedOf<T>(record: SQSRecord, body: T): Received<T> {
  return {
    id: record.messageId,
    receiptHandle: record.receiptHandle,
    body,
    receives: Number(record.attributes.ApproximateReceiveCount) || 1,
    sentAtMs: Number(record.attributes.SentTimestamp),
    firstReceivedAtMs: Number(record.attributes.ApproximateFirstReceiveTimestamp),
    ...(record.attributes.SequenceNumber !== undefined && { sequence: record.attributes.SequenceNumber }),
  };
}
