import { Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, test } from 'vitest';
import { functionNames, indexes, type FunctionName } from '../../lambdas/runtime/env-names.ts';
import { awsStage, listOf, Synthesized, type Statement } from './synthesized.ts';

const decides = [
  'dynamodb:BatchGetItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];
const consume = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ReceiveMessage',
];
const send = ['sqs:SendMessage'];
const wake = ['sqs:ChangeMessageVisibility'];
const publish = ['events:PutEvents'];
const list = ['dynamodb:Query'];
const describeInstances = ['ec2:DescribeInstances'];

/** Who may do what. A function's logs and the key come on top, each with a test of its own. */
const may: Record<FunctionName, Record<string, string[]>> = {
  'forward-error': {
    table: decides,
    bus: publish,
    everything: describeInstances,
    'reprobe queue': send,
    'parked queue': send,
  },
  reprobe: {
    table: decides,
    bus: publish,
    everything: describeInstances,
    'reprobe queue': consume,
    'reprobe dead letters': send,
    'restart queue': send,
    'parked queue': wake,
  },
  restart: {
    table: decides,
    bus: publish,
    everything: describeInstances,
    'restart queue': consume,
    'restart dead letters': send,
    'parked queue': wake,
    instances: ['ec2:StartInstances', 'ec2:StopInstances'],
  },
  receive: {
    'parked queue': consume,
    'parked dead letters': send,
    'deliveries queue': send,
  },
  deliver: {
    table: decides,
    bus: publish,
    everything: ['ec2:DescribeInstances', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
    'reprobe queue': send,
    'deliveries queue': consume,
    'deliveries dead letters': send,
    'parked queue': ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage'],
    'the EC2 resources of the account': [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:UnassignPrivateIpAddresses',
    ],
  },
  heartbeat: { table: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], 'parked queue': wake },
  sweep: {
    table: decides,
    indexes: list,
    bus: publish,
    'reprobe queue': send,
    'restart queue': send,
    'parked queue': ['sqs:GetQueueAttributes'],
  },
  lookup: { table: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'], indexes: list },
  operate: {
    table: decides,
    indexes: list,
    bus: publish,
    everything: describeInstances,
    'restart queue': send,
    'parked queue': [...wake, ...send],
  },
  'instance-change': {
    table: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    'instance event dead letters': send,
  },
};

const { stack, defib } = awsStage({ workspaceTag: { key: 'fleet', value: 'agents' } });
const synthesized = new Synthesized(stack);
const statementsOf = (name: FunctionName) => synthesized.statementsOf(synthesized.roleOf(name));

const resourceNames = new Map([
  ...Object.values(indexes).map(
    (name) => [synthesized.text(`${defib.state.table.tableArn}/index/${name}`), 'indexes'] as const,
  ),
  ...Object.entries({
    table: defib.state.table.tableArn,
    bus: defib.events.bus.eventBusArn,
    everything: '*',
    'reprobe queue': defib.judging.reprobes.queue.queueArn,
    'reprobe dead letters': defib.judging.reprobes.deadLetters.queueArn,
    'restart queue': defib.restarting.restarts.queue.queueArn,
    'restart dead letters': defib.restarting.restarts.deadLetters.queueArn,
    'parked queue': defib.parking.parked.queue.queueArn,
    'parked dead letters': defib.parking.parked.deadLetters.queueArn,
    'deliveries queue': defib.parking.deliveries.queue.queueArn,
    'deliveries dead letters': defib.parking.deliveries.deadLetters.queueArn,
    'instance event dead letters': defib.instanceChanges.deadLetters.queueArn,
    instances: stack.formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' }),
    'the EC2 resources of the account': stack.formatArn({ service: 'ec2', resource: '*', resourceName: '*' }),
  }).map(([name, arn]) => [synthesized.text(arn), name] as const),
]);

/** What is allowed, resource by resource, without the function's own logs and the key. */
function allowed(statements: readonly Statement[]): Record<string, string[]> {
  const found: Record<string, Set<string>> = {};
  for (const { Effect, Action, Resource } of statements) {
    if (Effect !== 'Allow' || listOf(Action).every((action) => /^(logs|kms):/.test(action))) continue;
    for (const resource of listOf(Resource)) {
      const text = JSON.stringify(resource);
      const name = resourceNames.get(text) ?? text;
      for (const action of listOf(Action)) (found[name] ??= new Set()).add(action);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, actions]) => [name, [...actions].sort()]));
}

function denied(statements: readonly Statement[]): string[] {
  const everywhere = statements.filter(
    ({ Effect, Resource, Condition }) => Effect === 'Deny' && Resource === '*' && Condition === undefined,
  );
  return everywhere.flatMap(({ Action }) => listOf(Action)).sort();
}

describe.each(functionNames)('the role of %s', (name) => {
  test('holds exactly what its work needs', () => {
    expect(allowed(statementsOf(name))).toEqual(may[name]);
  });

  test('is denied what would harm, whatever else is attached to it', () => {
    const harm = [
      'ec2:CreateTags',
      'ec2:DeleteTags',
      'ec2:ModifyInstanceAttribute',
      'ec2:RebootInstances',
      'ec2:TerminateInstances',
      'sqs:PurgeQueue',
    ];
    const power = name === 'restart' ? [] : ['ec2:StartInstances', 'ec2:StopInstances'];
    expect(denied(statementsOf(name))).toEqual([...harm, ...power].sort());
  });

  test('writes to its own log group only', () => {
    const logs = statementsOf(name).filter(({ Action }) =>
      listOf(Action).some((it) => it.startsWith('logs:')),
    );
    const { LogGroup } = synthesized.function(name)['LoggingConfig'] as { LogGroup: { Ref: string } };
    expect(logs).toEqual([
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: { 'Fn::GetAtt': [LogGroup.Ref, 'Arn'] },
      },
    ]);
  });
});

test('only what describes may be done to every resource', () => {
  const broad = functionNames.flatMap((name) =>
    statementsOf(name)
      .filter(({ Effect, Resource }) => Effect === 'Allow' && listOf(Resource).includes('*'))
      .flatMap(({ Action }) => listOf(Action)),
  );
  expect(broad.filter((action) => !/^\w+:Describe\w+$/.test(action))).toEqual([]);
  expect(broad.length).toBeGreaterThan(0);
});

test('Lambda makes network interfaces for deliver, whose own code may not', () => {
  const denials = functionNames.map((name) => [
    name,
    ...statementsOf(name)
      .filter(({ Effect, Condition }) => Effect === 'Deny' && Condition !== undefined)
      .map(({ Action, Condition }) => ({ Action, Condition })),
  ]);
  const joining = may.deliver['the EC2 resources of the account'];
  expect(denials.filter(([, ...those]) => those.length > 0)).toEqual([
    [
      'deliver',
      {
        Action: expect.arrayContaining(joining ?? []) as string[],
        Condition: { ArnLike: { 'lambda:SourceFunctionArn': 'arn:*:lambda:*:*:function:*' } },
      },
    ],
  ]);
});

test('a function has a role to itself, without policies of AWS', () => {
  const roles = functionNames.map((name) => synthesized.roleOf(name));
  expect(new Set(roles).size).toBe(functionNames.length);
  for (const role of roles) {
    const { Properties } = synthesized.template.findResources('AWS::IAM::Role')[role] as {
      Properties: object;
    };
    expect(Object.keys(Properties)).toEqual(['AssumeRolePolicyDocument']);
  }
});

test('no principal but the restart function may start or stop an instance', () => {
  const policies = synthesized.resources('AWS::IAM::Policy').filter(({ Properties }) => {
    const { Statement: all } = Properties['PolicyDocument'] as { Statement: Statement[] };
    return all.some(
      ({ Effect, Action }) =>
        Effect === 'Allow' &&
        listOf(Action).some((it) => /^(\*|ec2:(\*|St.*|Reboot.*|Terminate.*))$/.test(it)),
    );
  });
  expect(policies.map(({ Properties }) => Properties['Roles'])).toEqual([
    [{ Ref: synthesized.roleOf('restart') }],
  ]);
});

test('the restart function may start and stop tagged instances only', () => {
  const power = statementsOf('restart').filter(
    ({ Effect, Action }) => Effect === 'Allow' && listOf(Action).some((it) => /^ec2:St/.test(it)),
  );
  expect(power.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { 'aws:ResourceTag/fleet': 'agents' } },
  ]);
});

describe('the key', () => {
  const usesOf = (name: FunctionName, read: Synthesized) =>
    read
      .statementsOf(read.roleOf(name))
      .filter(({ Action }) => listOf(Action).some((it) => it.startsWith('kms:')));

  test('serves functions through the table and the queues only', () => {
    const key = synthesized.text(defib.encryption.key?.keyArn);
    for (const name of functionNames) {
      for (const { Resource, Condition, Action } of usesOf(name, synthesized)) {
        expect(JSON.stringify(Resource)).toBe(key);
        expect(
          listOf(Action).filter(
            (it) => !/^kms:(Decrypt|DescribeKey|Encrypt|GenerateDataKey\w*|ReEncrypt(From|To))$/.test(it),
          ),
        ).toEqual([]);
        // What the event source of a queue needs is given by the CDK, without a condition.
        if (Action !== 'kms:Decrypt') {
          expect(JSON.stringify(Condition)).toMatch(
            /"kms:ViaService":\{"Fn::Join":\["",\["(dynamodb|sqs)\."/,
          );
        }
      }
    }
  });

  test('is turned every year, and opened by nobody but the account, the logs and the bus', () => {
    const [found, ...others] = synthesized.resources('AWS::KMS::Key');
    expect(others).toEqual([]);
    expect(found?.Properties['EnableKeyRotation']).toBe(true);
    const { Statement: all } = found?.Properties['KeyPolicy'] as {
      Statement: (Statement & { Principal: unknown })[];
    };
    expect(all.map(({ Principal }) => JSON.stringify(Principal).match(/root|logs\.|events\./)?.[0])).toEqual([
      'root',
      'logs.',
      'events.',
    ]);
    expect(all.slice(1).map(({ Condition }) => Condition !== undefined)).toEqual([true, true]);
  });

  test("is AWS's own where that is asked for - there is no other, and nobody has a right to one", () => {
    const without = new Synthesized(awsStage({ encryptionKey: 'aws-owned' }).stack);
    expect(without.resources('AWS::KMS::Key')).toEqual([]);
    expect(functionNames.flatMap((name) => usesOf(name, without))).toEqual([]);
  });
});

test('volume keys are given - the restart function may have EC2 use them, and nobody else may', () => {
  const arn = 'arn:aws:kms:eu-west-1:111122223333:key/volumes';
  const withKeys = awsStage({
    encryptionKey: 'aws-owned',
    volumeKeys: [Key.fromKeyArn(new Stack(), 'Volumes', arn)],
  });
  const read = new Synthesized(withKeys.stack);
  const grants = functionNames.flatMap((name) =>
    read
      .statementsOf(read.roleOf(name))
      .filter(({ Action }) => listOf(Action).some((it) => it.startsWith('kms:'))),
  );
  expect(grants).toEqual([
    {
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: arn,
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
  ]);
});
