/** What the simulated queues and functions have in common with the stack's; a test of the stack says that it is so. */
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { QueueName } from './functions.ts';

interface DeployedQueue {
  readonly fifo: boolean;
  readonly visibilitySeconds: number;
  readonly retentionSeconds: number;
  readonly maxReceiveCount: number;
  readonly worker: FunctionName;
  readonly batchSize: number;
  readonly maxConcurrency: number;
}

const days = (count: number): number => count * 86_400;

export const deployedQueues: Readonly<Record<QueueName, DeployedQueue>> = {
  reprobe: {
    fifo: false,
    visibilitySeconds: 60,
    retentionSeconds: days(4),
    maxReceiveCount: 20,
    worker: 'reprobe',
    batchSize: 10,
    maxConcurrency: 10,
  },
  restart: {
    fifo: false,
    visibilitySeconds: 120,
    retentionSeconds: days(4),
    maxReceiveCount: 1000,
    worker: 'restart',
    batchSize: 10,
    maxConcurrency: 5,
  },
  parked: {
    fifo: true,
    visibilitySeconds: 90,
    retentionSeconds: days(14),
    maxReceiveCount: 1000,
    worker: 'receive',
    batchSize: 1,
    maxConcurrency: 10,
  },
  deliveries: {
    fifo: false,
    visibilitySeconds: 900,
    retentionSeconds: 120,
    maxReceiveCount: 20,
    worker: 'deliver',
    batchSize: 1,
    maxConcurrency: 50,
  },
};

export const deadLetterRetentionSeconds = days(14);
