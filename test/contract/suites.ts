/** Every suite of the contract. */
import type { Suite } from './bench.ts';
import { adapters } from './adapters.contract.ts';
import { conditions } from './conditions.contract.ts';
import { instances } from './ec2.contract.ts';
import { eventBuses } from './eventbridge.contract.ts';
import { fifoQueues } from './fifo.contract.ts';
import { indexes } from './indexes.contract.ts';
import { items } from './items.contract.ts';
import { lists } from './lists.contract.ts';
import { standardQueues } from './sqs.contract.ts';
import { transactions } from './transactions.contract.ts';
import { updates } from './updates.contract.ts';

export const suites: readonly Suite[] = [
  items,
  conditions,
  updates,
  transactions,
  lists,
  indexes,
  adapters,
  standardQueues,
  fifoQueues,
  instances,
  eventBuses,
];
