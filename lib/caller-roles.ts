import { Stack, Token } from 'aws-cdk-lib';
import { CfnRole, type IRole, type PolicyDocument } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from './configuration-error.ts';

/**
 * The role's name as the stack of `here` may write it down. Another stack's role needs a name of its own: its right
 * to call already makes its stack wait for ours, so ours can't wait for the name that CloudFormation will give it.
 */
export function nameOfRole(role: IRole, here: IConstruct): string {
  if (!Token.isUnresolved(role.roleName) || Stack.of(role) === Stack.of(here)) return role.roleName;
  const resource = role.node.defaultChild;
  const fixed = resource instanceof CfnRole ? resource.roleName : undefined;
  if (fixed === undefined || Token.isUnresolved(fixed)) {
    throw new ConfigurationError(
      `Expected the role ${role.node.path} to have a fixed roleName, as it is in another stack than Defib, got none: ` +
        'set its roleName, or create it in the stack of Defib',
    );
  }
  return fixed;
}

/** What keeps a role from being one that only EC2 instances can have; empty when it can't be seen, or all is well. */
export function instanceRoleProblems(role: IRole): string[] {
  const trust =
    'assumeRolePolicy' in role ? (role.assumeRolePolicy as PolicyDocument | undefined) : undefined;
  if (trust === undefined) return [];
  const document = Stack.of(role).resolve(trust.toJSON()) as { Statement?: TrustStatement[] } | undefined;
  const others = (document?.Statement ?? []).filter(
    (statement) => statement.Effect === 'Allow' && !trustsOnlyEc2(statement),
  );
  return others.map(
    ({ Principal }) =>
      'Expected a role given to grantBeat to trust ec2.amazonaws.com alone, since its session name is taken for the ' +
      `instance id, got ${JSON.stringify(Principal)}`,
  );
}

interface TrustStatement {
  readonly Effect: string;
  readonly Principal?: unknown;
}

/** The service in the forms that CDK writes it in, with and without the partition's suffix. */
const ec2Forms = [
  '"ec2.amazonaws.com"',
  '"ec2.amazonaws.com.cn"',
  '{"Fn::Join":["",["ec2.",{"Ref":"AWS::URLSuffix"}]]}',
];

function trustsOnlyEc2({ Principal }: TrustStatement): boolean {
  if (typeof Principal !== 'object' || Principal === null || Object.keys(Principal).join() !== 'Service')
    return false;
  const services = [(Principal as { Service: unknown }).Service].flat();
  return services.every((service) => ec2Forms.includes(JSON.stringify(service)));
}
