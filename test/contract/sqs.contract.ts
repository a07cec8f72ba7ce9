/**
 * What holds for both kinds of queue, and for standard ones.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
 */
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect } from 'vitest';
import { suite } from './bench.ts';
import { handleOf, queueOn } from './queue-calls.ts';
import { refusalName } from './table-calls.ts';

const LARGEST_BYTES = 1_048_576;

export const standardQueues = suite('sqs', 'standard queues', (say) => {
  say('a message comes with its body, its count and its times', async (bench) => {
    const queue = await queueOn(bench);
    const beforeMs = bench.nowMs();
    const { MessageId } = await queue.send('{"a":"é"}');
    const [message] = await queue.receive();
    expect(message).toMatchObject({ MessageId, Body: '{"a":"é"}' });
    const { ApproximateReceiveCount, SentTimestamp, ApproximateFirstReceiveTimestamp } =
      message?.Attributes ?? {};
    expect(ApproximateReceiveCount).toBe('1');
    expect(Math.abs(Number(SentTimestamp) - beforeMs)).toBeLessThan(5000);
    expect(Number(ApproximateFirstReceiveTimestamp)).toBeGreaterThanOrEqual(Number(SentTimestamp));
  });

  say(
    'a message in flight is hidden, and comes back with a new handle and a higher count (Q6)',
    async (bench) => {
      const queue = await queueOn(bench, { visibilitySeconds: 1 });
      await queue.send('a');
      const [first] = await queue.receive();
      expect(await queue.receive()).toEqual([]);
      const [second] = await queue.receiveSoon();
      expect(second?.MessageId).toBe(first?.MessageId);
      expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
      expect(second?.Attributes).toMatchObject({
        ApproximateReceiveCount: '2',
        SentTimestamp: first?.Attributes?.SentTimestamp,
        ApproximateFirstReceiveTimestamp: first?.Attributes?.ApproximateFirstReceiveTimestamp,
      });
    },
  );

  say('a delay hides a message until it has passed (Q14)', async (bench) => {
    const queue = await queueOn(bench);
    await queue.send('a', { DelaySeconds: 1 });
    expect(await queue.receive()).toEqual([]);
    expect(await queue.receiveSoon()).toHaveLength(1);
  });

  say('the queue has a delay of its own, which a message may override', async (bench) => {
    const queue = await queueOn(bench, { delaySeconds: 1 });
    await queue.send('late');
    await queue.send('now', { DelaySeconds: 0 });
    expect(await queue.drain()).toEqual(['now']);
    expect(await queue.receiveSoon()).toMatchObject([{ Body: 'late' }]);
  });

  say(
    'a deleted message does not come back, and deleting it again is no error',
    async (bench) => {
      const queue = await queueOn(bench, { visibilitySeconds: 1 });
      await queue.send('a');
      const handle = handleOf(await queue.receive());
      await queue.delete(handle);
      await queue.delete(handle);
      await bench.wait(1.2);
      expect(await queue.receive()).toEqual([]);
    },
    { ministack: 'it refuses the second delete' },
  );

  say(
    'a delete with an older handle is no error, whatever it does (Q6)',
    async (bench) => {
      const queue = await queueOn(bench, { visibilitySeconds: 1 });
      await queue.send('a');
      const old = handleOf(await queue.receive());
      await queue.receiveSoon();
      await queue.delete(old);
    },
    { ministack: 'it knows only the newest handle' },
  );

  say('visibility can be ended and stretched from now', async (bench) => {
    const queue = await queueOn(bench, { visibilitySeconds: 1 });
    await queue.send('a');
    await queue.hide(handleOf(await queue.receive()), 0);
    const handle = handleOf(await queue.receive());
    await queue.hide(handle, 3);
    await bench.wait(1.5);
    expect(await queue.receive()).toEqual([]);
    expect(await queue.receiveSoon()).toHaveLength(1);
  });

  say(
    'the visibility of a message that is not in flight cannot be changed',
    async (bench) => {
      const queue = await queueOn(bench, { visibilitySeconds: 1 });
      await queue.send('a');
      const handle = handleOf(await queue.receive());
      await bench.wait(1.2);
      expect(await refusalName(queue.hide(handle, 5))).toBe('MessageNotInflight');
    },
    { ministack: 'it hides it again', localstack: 'it hides it again' },
  );

  say(
    'the visibility of a deleted message cannot be changed',
    async (bench) => {
      const queue = await queueOn(bench);
      await queue.send('a');
      const handle = handleOf(await queue.receive());
      await queue.delete(handle);
      expect(await refusalName(queue.hide(handle, 5))).toMatch(
        /^(InvalidParameterValue|MessageNotInflight)$/,
      );
    },
    { ministack: 'it does not know the handle any more' },
  );

  say(
    'no visibility is longer than twelve hours (Q5)',
    async (bench) => {
      const queue = await queueOn(bench);
      await queue.send('a');
      const handle = handleOf(await queue.receive());
      expect(await refusalName(queue.hide(handle, 43_201))).toBe('InvalidParameterValue');
      await queue.hide(handle, 43_000);
    },
    { ministack: 'it has no limit', localstack: 'it has no limit' },
  );

  say('what is no handle is refused', async (bench) => {
    const queue = await queueOn(bench);
    expect(await refusalName(queue.delete('no-handle'))).toBe('ReceiptHandleIsInvalid');
    expect(await refusalName(queue.hide('no-handle', 1))).toBe('ReceiptHandleIsInvalid');
  });

  say(
    'a receive brings ten at most',
    async (bench) => {
      const queue = await queueOn(bench);
      for (let index = 0; index < 11; index++) await queue.send(String(index));
      expect((await queue.receive(10)).length).toBeLessThanOrEqual(10);
      expect(await refusalName(queue.receive(11))).toBe('InvalidParameterValue');
      expect(await refusalName(queue.receive(0))).toBe('InvalidParameterValue');
    },
    { localstack: 'it takes 0 for a default' },
  );

  say('the attributes count what is visible, in flight and delayed', async (bench) => {
    const queue = await queueOn(bench);
    await queue.send('a');
    await queue.send('b');
    await queue.send('c', { DelaySeconds: 60 });
    expect(await queue.depth()).toEqual([2, 0, 1]);
    await queue.receive(1);
    expect(await queue.depth()).toEqual([1, 1, 1]);
  });

  say('a message holds 1 MiB, and not a byte more (Q16)', async (bench) => {
    const queue = await queueOn(bench);
    await queue.send('x'.repeat(LARGEST_BYTES));
    expect(await refusalName(queue.send('x'.repeat(LARGEST_BYTES + 1)))).toBe('InvalidParameterValue');
    const small = await queueOn(bench, { largestBytes: 1024 });
    expect(await refusalName(small.send('é'.repeat(513)))).toBe('InvalidParameterValue');
  });

  say('an empty body is refused', async (bench) => {
    const queue = await queueOn(bench);
    expect(await refusalName(queue.send(''))).toMatch(/^(MissingParameter|InvalidParameterValue)$/);
  });

  say('characters that XML has not are refused (Q16)', async (bench) => {
    const queue = await queueOn(bench);
    expect(await refusalName(queue.send('a\u0000b'))).toBe('InvalidMessageContents');
    await queue.send('tab\tand\nline, \u{1f600}');
  });

  say(
    'no delay is longer than a quarter of an hour',
    async (bench) => {
      const queue = await queueOn(bench);
      expect(await refusalName(queue.send('a', { DelaySeconds: 901 }))).toBe('InvalidParameterValue');
      expect(await refusalName(queue.send('a', { DelaySeconds: -1 }))).toBe('InvalidParameterValue');
    },
    { ministack: 'it has no limit', localstack: 'it has no limit' },
  );

  say('a queue that is not there is refused', async ({ sqs, newQueue }) => {
    const QueueUrl = `${await newQueue()}-not`;
    const name = /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)$/;
    expect(await refusalName(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' })))).toMatch(name);
    expect(await refusalName(sqs.send(new ReceiveMessageCommand({ QueueUrl })))).toMatch(name);
  });

  say(
    'after the last allowed receive a message goes to the dead letters, with its id and body (Q12)',
    async (bench) => {
      const dead = await queueOn(bench);
      const queue = await queueOn(bench, { deadLetters: { url: dead.url, maxReceiveCount: 2 } });
      const { MessageId } = await queue.send('poison');
      const [first] = await queue.receive();
      await queue.hide(handleOf(first ? [first] : []), 0);
      await queue.hide(handleOf(await queue.receive()), 0);
      expect(await queue.receive()).toEqual([]);
      await bench.wait(0.2);
      const [letter] = await dead.receive();
      expect(letter).toMatchObject({ MessageId, Body: 'poison' });
      // A standard queue keeps the time of the first send, from which retention counts (Q11).
      expect(letter?.Attributes?.SentTimestamp).toBe(first?.Attributes?.SentTimestamp);
    },
  );
});
