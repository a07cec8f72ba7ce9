/** Every suite of the contract. */
import type { Suite } from './bench.ts';
import { conditions } from './conditions.contract.ts';
import { indexes } from './indexes.contract.ts';
import { items } from './items.contract.ts';
import { lists } from './lists.contract.ts';
import { transactions } from './transactions.contract.ts';
import { updates } from './updates.contract.ts';

export const suites: readonly Suite[] = [items, conditions, updates, transactions, lists, indexes];
