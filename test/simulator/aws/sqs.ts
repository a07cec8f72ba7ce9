/**
 * SQS, simulated below the client's `send(command)`. Queues are made beforehand and known by their URLs. It is
 * synchronous inside and keeps no clock. What it does not understand throws.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type ChangeMessageVisibilityCommandInput,
  type DeleteMessageCommandInput,
  type GetQueueAttributesCommandInput,
  type ReceiveMessageCommandInput,
  type SendMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { checkNoMore, simulated, type Simulated } from './client.ts';
import { refused } from './sqs/errors.ts';
import type { Queue } from './sqs/queue.ts';

export { EventSource, type Batch } from './sqs/event-source.ts';
export { Queue, type QueueSettings, type Whims } from './sqs/queue.ts';
export type { Message } from './sqs/message.ts';

export type SimulatedSqs = Simulated<SQSClient>;

/** `queues` by URL. */
export function simulatedSqs(queues: Readonly<Record<string, Queue>>): SimulatedSqs {
  const run = (command: object): object => {
    const act = acts.get(command.constructor);
    if (!act) throw new Error(`not understood: ${command.constructor.name}`);
    const { input } = command as { input: { QueueUrl: string | undefined } };
    const queue = Object.hasOwn(queues, input.QueueUrl ?? '') ? queues[input.QueueUrl ?? ''] : undefined;
    if (!queue) throw refused('noSuchQueue', 'The specified queue does not exist.');
    return { ...act(queue, input as never), $metadata: { httpStatusCode: 200 } };
  };
  return simulated<SQSClient>(run);
}

function sendMessage(queue: Queue, input: SendMessageCommandInput): object {
  const { QueueUrl: _, MessageBody, DelaySeconds, MessageGroupId, MessageDeduplicationId, ...rest } = input;
  checkNoMore(rest);
  const sent = { body: MessageBody ?? '', groupId: MessageGroupId, deduplicationId: MessageDeduplicationId };
  const { id, sequence } = queue.send(sent, DelaySeconds);
  return { MessageId: id, ...(queue.isFifo && { SequenceNumber: String(sequence) }) };
}

function receiveMessages(queue: Queue, input: ReceiveMessageCommandInput): object {
  const { QueueUrl: _, MaxNumberOfMessages: most = 1, VisibilityTimeout, ...more } = input;
  // Whoever waits longer asks again: there is no waiting here.
  const { WaitTimeSeconds: _wait, MessageSystemAttributeNames: names, ...rest } = more;
  checkNoMore(rest);
  if (!(most >= 1 && most <= 10))
    throw refused('badValue', `Value ${most} for parameter MaxNumberOfMessages is invalid.`);
  const messages = queue.receive(most, VisibilityTimeout).map((message) => ({
    MessageId: message.id,
    ReceiptHandle: message.handle,
    Body: message.body,
    ...(names?.includes('All') === true && {
      Attributes: {
        ApproximateReceiveCount: String(message.receives),
        SentTimestamp: String(message.sentAtMs),
        ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
        ...(queue.isFifo && {
          SequenceNumber: String(message.sequence),
          MessageGroupId: message.groupId,
          MessageDeduplicationId: message.deduplicationId,
        }),
      },
    }),
  }));
  return messages.length > 0 ? { Messages: messages } : {};
}

function deleteMessage(queue: Queue, { ReceiptHandle }: DeleteMessageCommandInput): object {
  queue.delete(ReceiptHandle ?? '');
  return {};
}

function changeVisibility(queue: Queue, input: ChangeMessageVisibilityCommandInput): object {
  queue.changeVisibility(input.ReceiptHandle ?? '', input.VisibilityTimeout ?? NaN);
  return {};
}

function attributes(queue: Queue, { AttributeNames = [] }: GetQueueAttributesCommandInput): object {
  const { visible, inFlight, delayed } = queue.counts();
  const known: Record<string, string> = {
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
  };
  const unknown = AttributeNames.filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0) throw new Error(`not understood: the attributes ${unknown.join(', ')}`);
  return { Attributes: Object.fromEntries(AttributeNames.map((name) => [name, known[name]])) };
}

const acts = new Map<unknown, (queue: Queue, input: never) => object>([
  [SendMessageCommand, sendMessage],
  [ReceiveMessageCommand, receiveMessages],
  [DeleteMessageCommand, deleteMessage],
  [ChangeMessageVisibilityCommand, changeVisibility],
  [GetQueueAttributesCommand, attributes],
]);
