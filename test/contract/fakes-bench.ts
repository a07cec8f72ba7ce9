/** The bench of the fakes: one clock that stands still but for what waits. */
import { simulatedDynamo } from '../simulator/aws/dynamodb.ts';
import { simulatedEc2 } from '../simulator/aws/ec2.ts';
import { simulatedEventBridge } from '../simulator/aws/eventbridge.ts';
import { Queue, simulatedSqs } from '../simulator/aws/sqs.ts';
import type { Bench } from './bench.ts';

export function fakesBench(): Bench {
  let clockMs = Date.parse('2026-11-24T12:00:00Z');
  let count = 0;
  const nowMs = () => clockMs;
  const queues: Record<string, Queue> = {};
  const dynamo = simulatedDynamo({ nowMs, tableName: 'contract' });
  const ec2 = simulatedEc2({
    nowMs,
    durations: { pendingMs: () => 3000, stoppingMs: () => 3000, shuttingDownMs: () => 1000 },
  });
  return {
    nowMs,
    wait: (seconds) => {
      clockMs += seconds * 1000;
      return Promise.resolve();
    },
    table: { client: dynamo.client, name: 'contract' },
    newKey: () => ({ pk: `CONTRACT#${++count}`, sk: 'STATE' }),
    sqs: simulatedSqs(queues).client,
    newQueue: ({ deadLetters, ...wish } = {}) => {
      const name = `queue-${++count}${wish.fifo === true ? '.fifo' : ''}`;
      const url = `https://queues.test/${name}`;
      const to = deadLetters && queues[deadLetters.url];
      const redrive = to && { to, maxReceiveCount: deadLetters.maxReceiveCount };
      queues[url] = new Queue(
        { name, ...wish, deduplicatesByGroup: wish.fifo === true, ...(redrive && { redrive }) },
        nowMs,
      );
      return Promise.resolve(url);
    },
    ec2: ec2.client,
    launch: (tags = {}) => {
      const id = `i-${(++count).toString(16).padStart(17, '0')}`;
      ec2.fleet.launch({ id, tags });
      return Promise.resolve(id);
    },
    events: simulatedEventBridge({ nowMs }).client,
    busName: 'contract',
    close: () => Promise.resolve(),
  };
}
