import { describe, expect, test } from 'vitest';
import { readContext } from '../../bin/context.ts';
import { ConfigurationError } from '../../lib/configuration-error.ts';

const read = (context: Record<string, unknown>) => readContext((name) => context[name]);
const local = {
  stage: 'local',
  endpointUrl: 'http://localhost:4566',
  ec2EndpointUrl: 'http://localhost:4567',
};

describe('the context', () => {
  test('names a VPC - the stack is for AWS, in its private subnets', () => {
    expect(read({ vpcId: 'vpc-1' })).toEqual({ network: { vpcId: 'vpc-1' }, synthesizer: 'default' });
  });

  test('names subnets, a tag and a policy - they are passed on', () => {
    const context = {
      vpcId: 'vpc-1',
      workspaceSubnetIds: 'subnet-1,subnet-2',
      workspaceTag: 'team=a=b',
      policy: '{"settleSeconds": 90}',
      encryptionKey: 'aws-owned',
    };
    expect(read(context)).toEqual({
      network: { vpcId: 'vpc-1', subnetIds: ['subnet-1', 'subnet-2'] },
      workspaceTag: { key: 'team', value: 'a=b' },
      policy: { settleSeconds: 90 },
      encryptionKey: 'aws-owned',
      synthesizer: 'default',
    });
  });

  test('says local - the stack is for an emulator', () => {
    expect(read({ ...local, synthesizer: 'cli-credentials' })).toEqual({
      local: { endpointUrl: local.endpointUrl, ec2EndpointUrl: local.ec2EndpointUrl, address: '127.0.0.1' },
      synthesizer: 'cli-credentials',
    });
  });

  test.each([
    ['has no VPC', {}, /Expected the context vpcId, got none/],
    ['is local without an endpoint', { stage: 'local' }, /Expected the context endpointUrl, got none/],
    ['names another stage', { stage: 'prod' }, /Expected the context stage to be local or absent, got prod/],
    ['has a tag without a value', { vpcId: 'v', workspaceTag: 'team' }, /to be Key=Value, got team/],
    ['has a policy that is no JSON', { vpcId: 'v', policy: '{' }, /policy to be a JSON object, got "\{"/],
    [
      'has a policy out of bounds',
      { vpcId: 'v', policy: { settleSeconds: 1 } },
      /Expected settleSeconds to be from/,
    ],
    ['names another key', { vpcId: 'v', encryptionKey: 'mine' }, /Expected the context encryptionKey/],
    ['names another synthesizer', { vpcId: 'v', synthesizer: 'x' }, /Expected the context synthesizer/],
  ])('%s - it is refused in words for the user', (_, context, message) => {
    expect(() => read(context)).toThrow(ConfigurationError);
    expect(() => read(context)).toThrow(message);
  });
});
