/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues.html */
import { expect } from 'vitest';
import { suite, type Bench, type QueueWish } from './bench.ts';
import { handleOf, queueOn } from './queue-calls.ts';
import { refusalName } from './table-calls.ts';

async function fifoOn(bench: Bench, wish: QueueWish = {}) {
  const queue = await queueOn(bench, { ...wish, fifo: true });
  let count = 0;
  const put = (body: string, group = 'g', deduplicationId = `${body}-${++count}`) =>
    queue.send(body, { MessageGroupId: group, MessageDeduplicationId: deduplicationId });
  const bodies = async (most = 1) => (await queue.receive(most)).map(({ Body }) => Body);
  const bodiesSoon = async (most = 1) => (await queue.receiveSoon(most)).map(({ Body }) => Body);
  return { ...queue, put, bodies, bodiesSoon };
}

export const fifoQueues = suite('sqs', 'FIFO queues', (say) => {
  say('a group keeps its order', async (bench) => {
    const queue = await fifoOn(bench);
    for (const body of ['a', 'b', 'c']) await queue.put(body);
    expect(await queue.bodies(10)).toEqual(['a', 'b', 'c']);
  });

  say('a group waits while one of its messages is in flight; others do not (Q9)', async (bench) => {
    const queue = await fifoOn(bench);
    await queue.put('a1', 'a');
    await queue.put('a2', 'a');
    await queue.put('b1', 'b');
    const [first] = await queue.receive(1);
    expect(first?.Body).toBe('a1');
    expect(await queue.bodies(10)).toEqual(['b1']);
    expect(await queue.bodies(10)).toEqual([]);
    await queue.delete(handleOf(first ? [first] : []));
    expect(await queue.bodies(10)).toEqual(['a2']);
  });

  say('a message that comes back is first in its group again', async (bench) => {
    const queue = await fifoOn(bench, { visibilitySeconds: 1 });
    await queue.put('a');
    await queue.put('b');
    expect(await queue.bodies()).toEqual(['a']);
    expect(await queue.bodiesSoon(10)).toEqual(['a', 'b']);
  });

  say('a hidden message blocks its group for as long as it is hidden', async (bench) => {
    const queue = await fifoOn(bench, { visibilitySeconds: 1 });
    await queue.put('a');
    await queue.put('b');
    await queue.hide(handleOf(await queue.receive()), 3);
    await bench.wait(1.5);
    expect(await queue.bodies(10)).toEqual([]);
    expect(await queue.bodiesSoon(10)).toEqual(['a', 'b']);
  });

  say('visibility that ends at once gives the group free', async (bench) => {
    const queue = await fifoOn(bench);
    await queue.put('a');
    await queue.hide(handleOf(await queue.receive()), 0);
    expect(await queue.bodies()).toEqual(['a']);
  });

  say('a second send of one deduplication id is accepted and swallowed', async (bench) => {
    const queue = await fifoOn(bench);
    const first = await queue.put('a', 'g', 'same');
    const second = await queue.put('b', 'g', 'same');
    expect(second.MessageId).toBe(first.MessageId);
    expect(await queue.bodies(10)).toEqual(['a']);
  });

  say('it is swallowed even after the first was delivered and deleted (Q10)', async (bench) => {
    const queue = await fifoOn(bench);
    await queue.put('a', 'g', 'same');
    await queue.delete(handleOf(await queue.receive()));
    await queue.put('a', 'g', 'same');
    expect(await queue.bodies(10)).toEqual([]);
  });

  say('with a scope of the group, another group may use the same id', async (bench) => {
    const queue = await fifoOn(bench);
    await queue.put('a', 'one', 'same');
    await queue.put('b', 'two', 'same');
    expect((await queue.drain()).toSorted()).toEqual(['a', 'b']);
  });

  say('a message has no delay of its own (Q8)', async (bench) => {
    const queue = await fifoOn(bench);
    const send = queue.send('a', { MessageGroupId: 'g', MessageDeduplicationId: 'd', DelaySeconds: 1 });
    expect(await refusalName(send)).toBe('InvalidParameterValue');
  });

  say('the delay of the queue holds for every message', async (bench) => {
    const queue = await fifoOn(bench, { delaySeconds: 1 });
    await queue.put('a');
    expect(await queue.bodies()).toEqual([]);
    expect(await queue.bodiesSoon()).toEqual(['a']);
  });

  say('a message needs a group, and an id against repeats', async (bench) => {
    const queue = await fifoOn(bench);
    expect(await refusalName(queue.send('a', { MessageDeduplicationId: 'd' }))).toBe('MissingParameter');
    expect(await refusalName(queue.send('a', { MessageGroupId: 'g' }))).toBe('InvalidParameterValue');
  });

  say('a message says its group, its id and its place', async (bench) => {
    const queue = await fifoOn(bench);
    await queue.put('a', 'g', 'one');
    await queue.put('b', 'g', 'two');
    const [first, second] = await queue.receive(10);
    expect(first?.Attributes).toMatchObject({ MessageGroupId: 'g', MessageDeduplicationId: 'one' });
    const place = (message: typeof first) => BigInt(message?.Attributes?.SequenceNumber ?? 0);
    expect(place(second) > place(first)).toBe(true);
  });

  say(
    'a message whose visibility has ended cannot be deleted by its handle',
    async (bench) => {
      const queue = await fifoOn(bench, { visibilitySeconds: 1 });
      await queue.put('a');
      const handle = handleOf(await queue.receive());
      await bench.wait(1.2);
      expect(await refusalName(queue.delete(handle))).toBe('InvalidParameterValue');
      expect(await queue.bodiesSoon()).toEqual(['a']);
    },
    { ministack: 'it deletes it' },
  );

  say('poison goes to the dead letters, and its group goes on (Q9)', async (bench) => {
    const dead = await fifoOn(bench);
    const queue = await fifoOn(bench, { deadLetters: { url: dead.url, maxReceiveCount: 1 } });
    await queue.put('poison');
    await queue.put('next');
    await queue.hide(handleOf(await queue.receive()), 0);
    expect(await queue.bodies(1)).toEqual(['next']);
    await bench.wait(0.2);
    const [letter] = await dead.receive();
    expect(letter).toMatchObject({ Body: 'poison', Attributes: { MessageGroupId: 'g' } });
  });
});
