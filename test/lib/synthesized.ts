import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { env, type FunctionName } from '../../lambdas/runtime/env-names.ts';
import { Defib, type DefibBaseProps } from '../../lib/defib.ts';

export const local = {
  endpointUrl: 'http://localhost:4566',
  ec2EndpointUrl: 'http://localhost:4567',
  address: '127.0.0.1',
} as const;

/** Where the templates go; removed with the process, which the CDK would not do. */
const synthFolder = mkdtempSync(path.join(tmpdir(), 'defib-synth-'));
let apps = 0;
process.once('exit', () => {
  rmSync(synthFolder, { recursive: true, force: true });
});

/** An app that copies no assets and skips the CDK's slow validation: that one has a test of its own. */
function testApp(): App {
  const outdir = path.join(synthFolder, String(apps++));
  return new App({
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:disable-asset-staging': true },
  });
}

/** Defib on AWS, in a stack with a VPC of its own. */
export function awsStage(props: DefibBaseProps & { vpcEndpoints?: 'create' | 'existing' | 'nat' } = {}) {
  const app = testApp();
  const stack = new Stack(app, 'Stack');
  // The class is not quite its interface where optional properties are exact.
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 1,
    restrictDefaultSecurityGroup: false,
  }) as IVpc;
  const workspaceSubnets = { subnets: vpc.privateSubnets };
  const defib = new Defib(stack, 'Defib', { vpc, workspaceSubnets, ...props });
  return { app, stack, vpc, defib };
}

/** Defib on the local stage. */
export function localStage(props: DefibBaseProps = {}) {
  const app = testApp();
  const stack = new Stack(app, 'Stack');
  return { app, stack, defib: new Defib(stack, 'Defib', { local, ...props }) };
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** A template, read by what its parts mean rather than by their logical ids. */
export class Synthesized {
  readonly stack: Stack;
  readonly template: Template;

  constructor(stack: Stack) {
    this.stack = stack;
    this.template = Template.fromStack(stack);
  }

  resources(type: string): Resource[] {
    return Object.values(this.template.findResources(type) as Record<string, Resource>);
  }

  /** The properties of a function of Defib. */
  function(name: FunctionName): Record<string, unknown> {
    const found = this.resources('AWS::Lambda::Function').find(
      ({ Properties }) => this.variables(Properties)['POWERTOOLS_SERVICE_NAME'] === name,
    );
    if (found === undefined) throw new Error(`no function ${name}`);
    return found.Properties;
  }

  variables(properties: Record<string, unknown>): Record<string, unknown> {
    return (properties['Environment'] as { Variables: Record<string, unknown> } | undefined)?.Variables ?? {};
  }

  /** Names of the variables that a function gets, as `env` of env-names.ts calls them, where it knows them. */
  variableNames(name: FunctionName): string[] {
    const known = new Map(Object.entries(env).map(([key, variable]) => [variable as string, key]));
    return Object.keys(this.variables(this.function(name)))
      .map((variable) => known.get(variable) ?? variable)
      .sort();
  }

  /** The logical id of a function's role. */
  roleOf(name: FunctionName): string {
    return (this.function(name)['Role'] as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
  }

  /** All that is said about a role in the policies of the stack. */
  statementsOf(role: string): Statement[] {
    return this.resources('AWS::IAM::Policy')
      .filter(({ Properties }) => JSON.stringify(Properties['Roles']).includes(`"Ref":"${role}"`))
      .flatMap(({ Properties }) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);
  }

  /** A construct's token as the template has it, to be looked for by its text. */
  text(token: unknown): string {
    return JSON.stringify(this.stack.resolve(token));
  }
}

export const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
