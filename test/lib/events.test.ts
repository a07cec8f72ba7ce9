import { expect, test } from 'vitest';
import { awsStage, localStage, Synthesized } from './synthesized.ts';

const { stack, defib } = awsStage();
const synthesized = new Synthesized(stack);

test('the bus keeps events under the key, and takes none over plain HTTP', () => {
  const [bus] = synthesized.resources('AWS::Events::EventBus');
  expect(bus?.Properties['KmsKeyIdentifier']).toEqual(stack.resolve(defib.encryption.key?.keyArn));
  const policies = synthesized.resources('AWS::Events::EventBusPolicy');
  expect(policies.map(({ Properties }) => Properties['Statement'])).toMatchObject([
    {
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 'events:PutEvents',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ]);
});

test('all logs end after a month, and are kept under the key', () => {
  const groups = synthesized.resources('AWS::Logs::LogGroup').map(({ Properties }) => Properties);
  expect(groups.length).toBeGreaterThan(Object.keys(defib.functions).length);
  const key: unknown = stack.resolve(defib.encryption.key?.keyArn);
  for (const properties of groups) expect(properties).toEqual({ RetentionInDays: 30, KmsKeyId: key });
});

test('on the local stage there is no key, and events come over plain HTTP', () => {
  const local = new Synthesized(localStage().stack);
  expect(local.resources('AWS::KMS::Key')).toEqual([]);
  expect(local.resources('AWS::Events::EventBusPolicy')).toEqual([]);
});
