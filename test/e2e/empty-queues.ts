/**
 * Each file begins with queues that are empty. What an earlier one left parked, for a workspace that never comes back,
 * would otherwise lie there until it expires, and nobody could tell it from what a bad call has left behind.
 */
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { beforeAll } from 'vitest';
import { admin, local } from './fleet.ts';

beforeAll(async () => {
  const { reprobe, restart, parked } = local.queues;
  await Promise.all(
    [reprobe, restart, parked].map((QueueUrl) => admin.sqs.send(new PurgeQueueCommand({ QueueUrl }))),
  );
});
