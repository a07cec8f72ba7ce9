import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';
import { env, functionNames, type FunctionName } from '../../lambdas/runtime/env-names.ts';
import { defaultSettings } from '../../core/policy.ts';
import { timeoutSeconds } from '../../core/timeouts.ts';
import { awsStage, local, localStage, Synthesized } from './synthesized.ts';

const { stack, vpc, defib } = awsStage({
  policy: { settleSeconds: 90 },
  reservedConcurrency: { restart: 3 },
});
const synthesized = new Synthesized(stack);
const onLocal = new Synthesized(localStage().stack);

const all = ['POWERTOOLS_METRICS_NAMESPACE', 'POWERTOOLS_SERVICE_NAME', 'policySettings'];
const variables: Record<FunctionName, (keyof typeof env)[]> = {
  'forward-error': ['busName', 'parkedQueueUrl', 'reprobeQueueUrl'],
  reprobe: ['busName', 'parkedQueueUrl', 'reprobeDlqUrl', 'reprobeQueueUrl', 'restartQueueUrl'],
  restart: ['busName', 'parkedQueueUrl', 'restartDlqUrl', 'restartQueueUrl'],
  receive: ['deliveriesQueueUrl', 'parkedDlqUrl', 'parkedQueueUrl'],
  deliver: [
    'busName',
    'deliveriesDlqUrl',
    'deliveriesQueueUrl',
    'parkedQueueUrl',
    'reprobeQueueUrl',
    'workspaceCidrs',
  ],
  heartbeat: ['parkedQueueUrl'],
  sweep: ['busName', 'parkedQueueUrl', 'reprobeQueueUrl', 'restartQueueUrl'],
  lookup: ['operatorRoles'],
  operate: ['busName', 'operatorRoles', 'parkedQueueUrl', 'reporterRoles', 'restartQueueUrl', 'workspaceTag'],
  'instance-change': [],
};

/** The variables that a function reads when it starts, by the calls of runtime/env.ts in its entry. */
function variablesReadBy(name: FunctionName): string[] {
  const file = path.join(packageRoot(), 'lambdas', name, 'index.ts');
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(require|optional|list)Env$/.test(node.expression.getText())) {
      for (const argument of node.arguments) if (ts.isStringLiteral(argument)) found.add(argument.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return [...found].sort();
}

describe.each(functionNames)('%s', (name) => {
  test('reads when it starts what it is told, and nothing else', () => {
    const onLocalOnly = name === 'deliver' ? ['localAddress'] : [];
    expect(variablesReadBy(name)).toEqual([...variables[name], ...onLocalOnly].sort());
  });

  test('is told what it uses and nothing else', () => {
    // Who hands messages on knows nothing of what stands in the table.
    const table = name === 'receive' ? [] : ['tableName'];
    expect(synthesized.variableNames(name)).toEqual([...all, ...table, ...variables[name]].sort());
  });

  test('runs on Node 24 for as long as it may, and logs JSON', () => {
    expect(synthesized.function(name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: timeoutSeconds[name],
      LoggingConfig: { LogFormat: 'JSON' },
    });
  });

  test('is in the VPC only if it delivers', () => {
    expect('VpcConfig' in synthesized.function(name)).toBe(name === 'deliver');
  });

  test('on the local stage is told where the emulator is', () => {
    const ofName = onLocal.variables(onLocal.function(name));
    expect(ofName).toMatchObject({
      AWS_ENDPOINT_URL: local.endpointUrl,
      AWS_ENDPOINT_URL_EC2: local.ec2EndpointUrl,
    });
    expect(onLocal.function(name)).not.toHaveProperty('VpcConfig');
  });
});

test('all functions get the whole policy, with the own settings on top', () => {
  for (const name of functionNames) {
    const text = synthesized.variables(synthesized.function(name))[env.policySettings] as string;
    expect(JSON.parse(text)).toEqual({ ...defaultSettings, settleSeconds: 90 });
  }
});

test('deliver reaches the workspaces and AWS, and nothing else', () => {
  const cidrs = vpc.privateSubnets.map(({ ipv4CidrBlock }) => ipv4CidrBlock);
  expect(synthesized.variables(synthesized.function('deliver'))[env.workspaceCidrs]).toBe(cidrs.join(','));
  const { VpcConfig } = synthesized.function('deliver') as {
    VpcConfig: { SecurityGroupIds: unknown[]; SubnetIds: unknown[] };
  };
  expect(VpcConfig.SubnetIds).toEqual(stack.resolve(vpc.privateSubnets.map(({ subnetId }) => subnetId)));
  expect(VpcConfig.SecurityGroupIds).toEqual([stack.resolve(defib.deliverSecurityGroup.securityGroupId)]);

  const [group] = synthesized
    .resources('AWS::EC2::SecurityGroup')
    .filter(({ Properties }) => JSON.stringify(Properties).includes('delivers parked requests'));
  const egress = (group?.Properties['SecurityGroupEgress'] as Record<string, unknown>[]).map(
    ({ CidrIp, IpProtocol, FromPort, ToPort }) => [CidrIp, IpProtocol, FromPort, ToPort],
  );
  expect(egress).toEqual([...cidrs.map((cidr) => [cidr, 'tcp', 0, 65_535]), ['0.0.0.0/0', 'tcp', 443, 443]]);
  expect(group?.Properties).not.toHaveProperty('SecurityGroupIngress');
});

test('endpoints of the VPC are made only where they are asked for', () => {
  const endpoints = (read: Synthesized) =>
    read
      .resources('AWS::EC2::VPCEndpoint')
      .map(({ Properties }) => JSON.stringify(Properties['ServiceName']));
  expect(
    endpoints(synthesized)
      .map((name) => /(sqs|ec2|events|dynamodb)"/.exec(name)?.[1])
      .sort(),
  ).toEqual(['dynamodb', 'ec2', 'events', 'sqs']);
  expect(endpoints(new Synthesized(awsStage({ vpcEndpoints: 'existing' }).stack))).toEqual([]);
});

test('on the local stage deliver goes to the one address of all instances', () => {
  expect(onLocal.variables(onLocal.function('deliver'))).toMatchObject({
    [env.localAddress]: '127.0.0.1',
    [env.workspaceCidrs]: '127.0.0.1/32',
  });
});

test('concurrency is set aside only where it is asked for', () => {
  const reserved = functionNames.filter(
    (name) => 'ReservedConcurrentExecutions' in synthesized.function(name),
  );
  expect(reserved).toEqual(['restart']);
});
