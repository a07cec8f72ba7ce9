import { expect, test } from 'vitest';
import { awsStage, Synthesized, type Resource } from './synthesized.ts';

/**
 * What CloudFormation would replace a resource for, by its documentation ("Update requires: Replacement"). A replaced
 * table or queue begins empty, and all that was promised lies in the old one.
 */
const replacedFor: Record<string, readonly string[]> = {
  'AWS::DynamoDB::GlobalTable': ['TableName', 'KeySchema', 'LocalSecondaryIndexes', 'AttributeDefinitions'],
  'AWS::SQS::Queue': ['QueueName', 'FifoQueue'],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage', 'Origin', 'MultiRegion'],
  'AWS::Events::EventBus': ['Name'],
};

const string = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });

/** The stateful resources of a stack that is out there. A line that has to change here is a migration. */
const deployed = {
  DefibEncryptionKey6C408B52: {},
  DefibEventsBus6D0ECE8C: { Name: 'StackDefibEventsBus98972723' },
  DefibInstanceChangesDeadLetters7C01297B: {},
  DefibJudgingReprobesQueueD7AD09E3: {},
  DefibJudgingReprobesDeadLetters347A676F: {},
  DefibParkingParkedQueueFD47C0A4: { FifoQueue: true },
  DefibParkingParkedDeadLetters78E995D0: { FifoQueue: true },
  DefibParkingDeliveriesQueue5E67F1B8: {},
  DefibParkingDeliveriesDeadLettersF4AEBA1B: {},
  DefibRestartingRestartsQueue9A9B007C: {},
  DefibRestartingRestartsDeadLettersDC0758F5: {},
  DefibStateTable6086C6FE: {
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      string('pk'),
      string('sk'),
      string('listKey'),
      string('listSort'),
      string('dueKey'),
      { AttributeName: 'dueAt', AttributeType: 'N' },
    ],
  },
};

const { stack } = awsStage();
const template = new Synthesized(stack).template.toJSON() as { Resources: Record<string, Resource> };

function pinned(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) => {
      const names = replacedFor[Type];
      if (names === undefined) return [];
      return [
        [id, Object.fromEntries(names.filter((it) => it in Properties).map((it) => [it, Properties[it]]))],
      ];
    }),
  );
}

test('a change would replace a table, queue, key or bus that holds something - it is seen here first', () => {
  expect(pinned()).toEqual(deployed);
});

test('what is kept when the stack goes is pinned, whatever its type; logs are not, they only end', () => {
  const kept = Object.entries(template.Resources).filter(
    ([, { DeletionPolicy, Type }]) => DeletionPolicy === 'Retain' && Type !== 'AWS::Logs::LogGroup',
  );
  expect(kept.map(([id]) => id).filter((id) => !(id in deployed))).toEqual([]);
});
