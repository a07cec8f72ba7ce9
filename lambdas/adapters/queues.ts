/** The queues. A message once sent is at least once received, perhaps twice, perhaps late. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Queues } from '../ports/queues.ts';
import { clientDefaults } from './table.ts';

export interface QueueUrls {
  readonly reprobe?: string;
  readonly restart?: string;
  readonly parked?: string;
  readonly deliveries?: string;
}

/** How SQS says that a receipt handle is over: the message was deleted, or has been seen again since. */
const handleIsOver: readonly string[] = [
  'InvalidParameterValue',
  'MessageNotInflight',
  'ReceiptHandleIsInvalid',
];

export function openSqs(): SQSClient {
  return new SQSClient(clientDefaults);
}

/** The queues that a function may use; using another one is a mistake of the wiring, and throws. */
export function queues(sqs: SQSClient, urls: QueueUrls): Queues {
  const urlOf = (name: keyof QueueUrls): string => {
    const url = urls[name];
    if (url === undefined) throw new Error(`This function was not given the ${name} queue`);
    return url;
  };
  return {
    async sendReprobe(message, delaySeconds) {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: urlOf('reprobe'),
          MessageBody: JSON.stringify(message),
          DelaySeconds: delaySeconds,
        }),
      );
    },

    async sendRestart(message) {
      await sqs.send(
        new SendMessageCommand({ QueueUrl: urlOf('restart'), MessageBody: JSON.stringify(message) }),
      );
    },

    async sendParked(message) {
      const sent = await sqs.send(
        new SendMessageCommand({
          QueueUrl: urlOf('parked'),
          MessageBody: JSON.stringify(message),
          MessageGroupId: message.workspaceId,
          // Five minutes only, and only against our own repeats: the ledger is what makes a request unique.
          MessageDeduplicationId: `${message.requestId}#${message.enqueueNo}`,
        }),
      );
      return sent.SequenceNumber;
    },

    async sendDelivery(message) {
      await sqs.send(
        new SendMessageCommand({ QueueUrl: urlOf('deliveries'), MessageBody: JSON.stringify(message) }),
      );
    },

    async setParkedVisibility(receiptHandle, seconds) {
      try {
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: urlOf('parked'),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: Math.max(0, Math.round(seconds)),
          }),
        );
        return 'set';
      } catch (error) {
        if (error instanceof Error && handleIsOver.includes(error.name)) return 'gone';
        throw error;
      }
    },

    async deleteParked(receiptHandle) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl: urlOf('parked'), ReceiptHandle: receiptHandle }));
    },

    async parkedDepth() {
      const output = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: urlOf('parked'),
          AttributeNames: [
            'ApproximateNumberOfMessages',
            'ApproximateNumberOfMessagesNotVisible',
            'ApproximateNumberOfMessagesDelayed',
          ],
        }),
      );
      const counts = Object.values(output.Attributes ?? {}).map(Number);
      // What was not said is not nothing: NaN is no depth at which anything is given up.
      return counts.length === 3 ? counts.reduce((sum, count) => sum + count, 0) : NaN;
    },
  };
}
