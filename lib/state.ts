import {
  AttributeType,
  Billing,
  ProjectionType,
  TableV2,
  type CfnGlobalTable,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { env, indexes } from '../lambdas/runtime/env-names.ts';
import { accept } from './accepted.ts';
import type { Encryption } from './encryption.ts';
import type { Grantee } from './grantee.ts';
import { keptOffLocal, type LocalStage } from './local-stage.ts';

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

export interface StateProps {
  readonly encryption: Encryption;
  readonly local: LocalStage | undefined;
}

/** The one table. It holds the guards and the ledger, so it outlives the stack. */
export class State extends Construct {
  readonly table: TableV2;
  readonly #encryption: Encryption;

  constructor(scope: Construct, id: string, { encryption, local }: StateProps) {
    super(scope, id);
    this.#encryption = encryption;
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
    this.#encryptWith(encryption.key);
    if (local !== undefined) {
      accept(this, {
        'Defib-KeptWithTheStackGone': 'Nothing on an emulator is worth keeping.',
        'Defib-ProtectedFromDeletion': 'Nothing on an emulator is worth keeping.',
      });
    }
  }

  /** Lets a function use the table in one of the known ways. */
  usedBy(fn: Grantee, { does, lists = false }: StateUse): void {
    fn.addEnvironment(env.tableName, this.table.tableName);
    fn.allow(actions[does], [this.table.tableArn]);
    if (lists) {
      const arns = Object.values(indexes).map((name) => `${this.table.tableArn}/index/${name}`);
      fn.allow(['dynamodb:Query'], arns);
    }
    this.#encryption.usedBy(fn, { does: does === 'reads' ? 'opens' : 'seals', by: 'dynamodb' });
  }

  /** By hand, since TableV2 takes a key only where the stack's region is known; there is one replica, so it need not be. */
  #encryptWith(key: IKey | undefined): void {
    if (key === undefined) return;
    const resource = this.table.node.defaultChild as CfnGlobalTable;
    resource.sseSpecification = { sseEnabled: true, sseType: 'KMS' };
    resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: key.keyArn });
  }
}
