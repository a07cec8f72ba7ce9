import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { env, indexes } from '../lambdas/runtime/env-names.ts';
import type { DefibFunction } from './defib-function.ts';
import { keptOffLocal, type LocalStage } from './foundations.ts';

/** What a function does with the table. No set holds Scan: nothing in Defib walks the whole fleet. */
const actions = {
  decides: [
    'dynamodb:GetItem',
    'dynamodb:BatchGetItem',
    'dynamodb:PutItem',
    'dynamodb:UpdateItem',
    'dynamodb:DeleteItem',
    'dynamodb:ConditionCheckItem',
    'dynamodb:Query',
  ],
  reads: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'],
  beats: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
  settles: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
} as const;

export interface StateUse {
  readonly does: keyof typeof actions;
  /**
   * Whether it also queries the indexes. They lag behind the table, so only lists and the sweep may.
   * @default false
   */
  readonly lists?: boolean;
}

/** The one table. It holds the guards and the ledger, so it outlives the stack. */
export class State extends Construct {
  readonly table: TableV2;

  constructor(scope: Construct, id: string, local: LocalStage | undefined) {
    super(scope, id);
    const stringKey = (name: string) => ({ name, type: AttributeType.STRING });
    this.table = new TableV2(this, 'Table', {
      partitionKey: stringKey('pk'),
      sortKey: stringKey('sk'),
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'ttl',
      deletionProtection: local === undefined,
      removalPolicy: keptOffLocal(local),
      globalSecondaryIndexes: [
        {
          indexName: indexes.byList,
          partitionKey: stringKey('listKey'),
          sortKey: stringKey('listSort'),
          projectionType: ProjectionType.KEYS_ONLY,
        },
        {
          indexName: indexes.byDue,
          partitionKey: stringKey('dueKey'),
          sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
          projectionType: ProjectionType.KEYS_ONLY,
        },
      ],
    });
  }

  /** Lets a function use the table in one of the known ways. */
  usedBy(fn: DefibFunction, { does, lists = false }: StateUse): void {
    fn.addEnvironment(env.tableName, this.table.tableName);
    fn.allow(actions[does], [this.table.tableArn]);
    if (lists) fn.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/*`]);
  }
}
