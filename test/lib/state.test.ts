import { expect, test } from 'vitest';
import { indexes } from '../../lambdas/runtime/env-names.ts';
import { awsStage, localStage, Synthesized } from './synthesized.ts';

const { stack, defib } = awsStage();
const [table, ...others] = new Synthesized(stack).resources('AWS::DynamoDB::GlobalTable');
const [localTable] = new Synthesized(localStage().stack).resources('AWS::DynamoDB::GlobalTable');
const replica = (properties = table?.Properties) =>
  (properties?.['Replicas'] as Record<string, unknown>[])[0];

test('the table outlives the stack and can be set back in time', () => {
  expect(others).toEqual([]);
  expect(table).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  expect(replica()).toMatchObject({
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
});

test("the table is encrypted with the stack's key, or with AWS's own where that is asked for", () => {
  expect(table?.Properties['SSESpecification']).toEqual({ SSEEnabled: true, SSEType: 'KMS' });
  expect(replica()).toMatchObject({
    SSESpecification: { KMSMasterKeyId: stack.resolve(defib.encryption.key?.keyArn) as unknown },
  });
  const [own] = new Synthesized(awsStage({ encryptionKey: 'aws-owned' }).stack).resources(
    'AWS::DynamoDB::GlobalTable',
  );
  expect(own?.Properties).not.toHaveProperty('SSESpecification');
  expect(replica(own?.Properties)).not.toHaveProperty('SSESpecification');
});

test('the table is paid by use, and clears what has run out by `ttl`', () => {
  expect(table?.Properties).toMatchObject({
    BillingMode: 'PAY_PER_REQUEST',
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  });
});

test('items are found by pk and sk, lists and due work by indexes of keys only', () => {
  const keys = (partition: string, sort: string) => [
    { AttributeName: partition, KeyType: 'HASH' },
    { AttributeName: sort, KeyType: 'RANGE' },
  ];
  expect(table?.Properties).toMatchObject({
    KeySchema: keys('pk', 'sk'),
    GlobalSecondaryIndexes: [
      {
        IndexName: indexes.byList,
        KeySchema: keys('listKey', 'listSort'),
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: indexes.byDue,
        KeySchema: keys('dueKey', 'dueAt'),
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
  const numbers = (table?.Properties['AttributeDefinitions'] as Record<string, string>[]).filter(
    ({ AttributeType }) => AttributeType !== 'S',
  );
  expect(numbers).toEqual([{ AttributeName: 'dueAt', AttributeType: 'N' }]);
});

test('on the local stage the table goes with the stack', () => {
  expect(localTable?.DeletionPolicy).toBe('Delete');
  expect(replica(localTable?.Properties)).toMatchObject({ DeletionProtectionEnabled: false });
});
