/** SQS's calls on a queue of the bench, short enough for sentences. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message,
  type QueueAttributeName,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import type { Bench, QueueWish } from './bench.ts';

const depthNames = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const satisfies readonly QueueAttributeName[];

export async function queueOn(bench: Bench, wish: QueueWish = {}) {
  const { sqs } = bench;
  const QueueUrl = await bench.newQueue(wish);
  const receive = async (most = 1, more: object = {}): Promise<Message[]> => {
    const output = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: most,
        MessageSystemAttributeNames: ['All'],
        ...more,
      }),
    );
    return output.Messages ?? [];
  };
  return {
    url: QueueUrl,
    send: (MessageBody: string, more: Partial<SendMessageCommandInput> = {}) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more })),
    receive,
    /** What comes back or becomes visible in time: the hour is a minimum, and SQS may be late. */
    async receiveSoon(most = 1): Promise<Message[]> {
      for (let tries = 0; ; tries++) {
        const messages = await receive(most);
        if (messages.length > 0 || tries === 20) return messages;
        await bench.wait(0.5);
      }
    },
    /** What is received until nothing more comes. */
    async drain(): Promise<string[]> {
      const bodies: string[] = [];
      for (let batch = await receive(10); batch.length > 0; batch = await receive(10)) {
        bodies.push(...batch.map(({ Body = '' }) => Body));
      }
      return bodies;
    },
    delete: (ReceiptHandle: string) => sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })),
    hide: (ReceiptHandle: string, VisibilityTimeout: number) =>
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout })),
    async depth(): Promise<number[]> {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...depthNames] }),
      );
      return depthNames.map((name) => Number(Attributes?.[name]));
    },
  };
}

/** The handle of a message that must have come. */
export function handleOf([message]: readonly Message[]): string {
  if (message?.ReceiptHandle === undefined) throw new Error('nothing was received');
  return message.ReceiptHandle;
}
