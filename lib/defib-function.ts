import { existsSync } from 'node:fs';
import path from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecurityGroup, ISubnet, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal, type Conditions } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { timeoutSeconds } from '../core/timeouts.ts';
import { env, type FunctionName } from '../lambdas/runtime/env-names.ts';
import { accept } from './accepted.ts';
import type { Foundations } from './foundations.ts';
import type { Grantee } from './grantee.ts';
import { packageRoot } from './package-root.ts';
import { ConfigurationError } from './configuration-error.ts';

/** What no function of Defib may ever do, whatever else is attached to its role. */
const forbidden = [
  'ec2:CreateTags',
  'ec2:DeleteTags',
  'ec2:ModifyInstanceAttribute',
  'ec2:RebootInstances',
  'ec2:TerminateInstances',
  'sqs:PurgeQueue',
];
/** What only the restart function may do. */
const powers = ['ec2:StartInstances', 'ec2:StopInstances'];

const METRICS_NAMESPACE = 'Defib';

export interface FunctionNetwork {
  readonly vpc: IVpc;
  readonly subnets: ISubnet[];
  readonly securityGroup: ISecurityGroup;
  readonly allowPublicSubnet: boolean;
}

export interface DefibFunctionProps {
  readonly name: FunctionName;
  readonly description: string;
  readonly foundations: Foundations;
  /** @default 512 */
  readonly memorySize?: number;
  /** @default - the function is in no VPC */
  readonly network?: FunctionNetwork | undefined;
  /**
   * Whether this is the function that starts and stops instances. All others have that denied.
   * @default false
   */
  readonly holdsPower?: boolean;
  /**
   * Where events go that the function was called with and failed to handle, however often it was tried.
   * @default - nowhere: whoever calls it sees the failure
   */
  readonly deadLetters?: IQueue;
}

/** One function from its built bundle, with a role that holds nothing but what is given to it by name. */
export class DefibFunction extends Construct implements Grantee {
  readonly lambda: Function;
  readonly role: Role;
  readonly #name: FunctionName;

  constructor(scope: Construct, id: string, props: DefibFunctionProps) {
    super(scope, id);
    const { name, foundations, network } = props;
    this.#name = name;
    const logs = foundations.encryption.logGroup(this, 'Logs', foundations.local);
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.#deny(props.holdsPower === true ? forbidden : [...forbidden, ...powers]);
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.logGroupArn]);
    if (network !== undefined) this.#mayJoinVpc();

    const reserved = foundations.reservedConcurrency[name];
    this.lambda = new Function(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundleOf(name)),
      description: props.description,
      timeout: Duration.seconds(timeoutSeconds[name]),
      memorySize: props.memorySize ?? 512,
      role: this.role,
      logGroup: logs,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        [env.policySettings]: JSON.stringify(foundations.policySettings),
        ...(foundations.local && {
          AWS_ENDPOINT_URL: foundations.local.endpointUrl,
          AWS_ENDPOINT_URL_EC2: foundations.local.ec2EndpointUrl,
        }),
      },
      ...(props.deadLetters && { deadLetterQueue: props.deadLetters }),
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: { subnets: network.subnets },
        securityGroups: [network.securityGroup],
        allowPublicSubnet: network.allowPublicSubnet,
      }),
    });
    this.#acceptWhatIsMeant(reserved !== undefined, network !== undefined);
    foundations.alarms.add(this, 'Errors', {
      severity: 'ticket',
      runbook: 'function-errors',
      says: `The ${name} function fails.`,
      metric: this.lambda.metricErrors({ period: Duration.minutes(5) }),
      when: { atLeast: 1 },
    });
  }

  /** Gives the role these actions on these resources, and no more. */
  allow(actions: readonly string[], resources: readonly string[], conditions: Conditions = {}): void {
    this.role.addToPolicy(
      new PolicyStatement({ actions: [...actions], resources: [...resources], conditions }),
    );
  }

  /** Lets the function look at instances. EC2 knows no narrower resource for a Describe. */
  mayDescribeInstances(): void {
    this.allow(['ec2:DescribeInstances'], ['*']);
    accept(this, { 'AwsSolutions-IAM5[Resource::*]': 'EC2 knows no narrower resource for a Describe.' });
  }

  /** How often the function counted something, over five minutes. */
  counted(metricName: string): Metric {
    return new Metric({
      namespace: METRICS_NAMESPACE,
      metricName,
      dimensionsMap: { service: this.#name },
      statistic: 'Sum',
      period: Duration.minutes(5),
    });
  }

  /** Sets an environment variable of the function. */
  addEnvironment(name: string, value: string): void {
    this.lambda.addEnvironment(name, value);
  }

  #acceptWhatIsMeant(hasReserved: boolean, isInVpc: boolean): void {
    const deadLetters =
      'Queues have dead letters of their own, API Gateway waits for the answer, and what a missed sweep left undone the next one does.';
    accept(this, {
      'Serverless-LambdaDLQ': deadLetters,
      'NIST.800.53.R5-LambdaDLQ': deadLetters,
      'Serverless-LambdaTracing':
        'A receipt holds the times of its verdict, and a trace is one more place that could leak.',
      'NIST.800.53.R5-IAMNoInlinePolicy':
        'The policy is of one role, goes with it, and must not be given to another.',
      ...(!hasReserved && {
        'NIST.800.53.R5-LambdaConcurrency':
          'Event sources are capped. A new account may have 10 in all, so reserving is for the user, by reservedConcurrency.',
      }),
      ...(!isInVpc && {
        'NIST.800.53.R5-LambdaInsideVPC':
          'It speaks to AWS alone. Only deliver has business in the network of the workspaces.',
      }),
    });
  }

  #deny(actions: readonly string[]): void {
    this.role.addToPolicy(
      new PolicyStatement({ effect: Effect.DENY, actions: [...actions], resources: ['*'] }),
    );
  }

  /** What Lambda itself needs to put the function's network interfaces into the VPC. */
  #mayJoinVpc(): void {
    const anyOwnEc2Resource = Stack.of(this).formatArn({ service: 'ec2', resource: '*', resourceName: '*' });
    const changes = [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ];
    this.allow(changes, [anyOwnEc2Resource]);
    this.allow(['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], ['*']);
    accept(this, {
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:*/*]':
        'Lambda makes the interfaces, whose ids nobody knows before; the code itself is denied it.',
    });
    // Lambda makes these calls without a source function; with one, it is the function's own code that asks.
    this.role.addToPolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        actions: changes,
        resources: ['*'],
        conditions: { ArnLike: { 'lambda:SourceFunctionArn': 'arn:*:lambda:*:*:function:*' } },
      }),
    );
  }
}

function bundleOf(name: FunctionName): string {
  const folder = path.join(packageRoot(), 'dist', 'lambdas', name);
  if (!existsSync(path.join(folder, 'index.js'))) {
    throw new ConfigurationError(
      `Expected the built function ${name} in ${folder}, found none: run \`npm run build\` first`,
    );
  }
  return folder;
}
