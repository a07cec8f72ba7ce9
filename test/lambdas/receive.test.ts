import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { LARGEST_BODY_BYTES, LARGEST_MESSAGE_BYTES } from '../../core/parking.ts';
import { handleReceived } from '../../lambdas/receive/handle.ts';
import { deliveryMessage, parseMessage } from '../../lambdas/schemas/messages.ts';
import { received } from './calls.ts';
import { mockedAws, portsOver, QUEUE } from './mocked-aws.ts';
import { aMessage } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const sent = () => aws.sqs.commandCalls(SendMessageCommand).map((call) => call.args[0].input);
const left = new Map([['message-1', { kind: 'left' }]]);

describe('the head of a queue', () => {
  it('is handed on whole, with the handle by which it is settled, and left hidden', async () => {
    const head = received(aMessage(), { receives: 4, sequence: '18849496460467696128' });
    expect(await handleReceived([head], ports)).toEqual(left);
    const [only, ...more] = sent();
    expect(more).toEqual([]);
    expect(only?.QueueUrl).toBe(QUEUE.deliveries);
    const { body, ...handle } = head;
    expect(parseMessage(only?.MessageBody ?? '', deliveryMessage)).toEqual({
      kind: 'message',
      message: { v: 1, kind: 'delivery', handle, parked: body },
    });
  });

  it('is of a queue without places - handed on without one', async () => {
    await handleReceived([received(aMessage())], ports);
    expect(parseMessage(sent()[0]?.MessageBody ?? '', deliveryMessage).kind).toBe('message');
  });

  it('cannot be handed on - left hidden all the same: that the call failed may be the loss of its answer', async () => {
    aws.sqs.on(SendMessageCommand).rejects(new Error('no answer'));
    const head = received(aMessage());
    expect(await handleReceived([head], ports)).toEqual(left);
    expect(ports.log.counted).toEqual(['MessageFailed']);
  });

  it('is as large as one may be - still fits into one message, with a handle of a thousand characters', async () => {
    const body = Buffer.alloc(LARGEST_BODY_BYTES, 'x').toString('base64');
    const bare = JSON.stringify(aMessage({ body })).length;
    const largest = aMessage({ body, headers: { 'x-y': 'z'.repeat(LARGEST_MESSAGE_BYTES - bare - 20) } });
    expect(JSON.stringify(largest).length).toBeGreaterThan(LARGEST_MESSAGE_BYTES - 100);
    await handleReceived([received(largest, { receiptHandle: 'h'.repeat(1024) })], ports);
    expect(Buffer.byteLength(sent()[0]?.MessageBody ?? '')).toBeLessThanOrEqual(1_048_576);
  });
});
