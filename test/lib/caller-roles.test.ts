import { Stack } from 'aws-cdk-lib';
import {
  AccountRootPrincipal,
  CompositePrincipal,
  Effect,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { awsStage, localStage, Synthesized } from './synthesized.ts';

const ec2 = new ServicePrincipal('ec2.amazonaws.com');
const account = new AccountRootPrincipal();

describe('a role that is to beat', () => {
  test('trusts EC2 alone - the app is synthesised', () => {
    const { app, stack, defib } = awsStage();
    defib.grantBeat(new Role(stack, 'Agent', { assumedBy: ec2 }));
    expect(() => app.synth()).not.toThrow();
  });

  test.each([
    ['an account', account],
    ['EC2 and an account', new CompositePrincipal(ec2, account)],
    ['Lambda', new ServicePrincipal('lambda.amazonaws.com')],
  ])('trusts %s - fails at synth, since anybody could name the session like an instance', (_, assumedBy) => {
    const { app, stack, defib } = awsStage();
    defib.grantBeat(new Role(stack, 'Agent', { assumedBy }));
    expect(() => app.synth()).toThrow(
      /Expected a role given to grantBeat to trust ec2\.amazonaws\.com alone/,
    );
  });

  test('is given more trust after the grant - fails at synth all the same', () => {
    const { app, stack, defib } = awsStage();
    const role = new Role(stack, 'Agent', { assumedBy: ec2 });
    defib.grantBeat(role);
    role.assumeRolePolicy?.addStatements(
      new PolicyStatement({ effect: Effect.ALLOW, actions: ['sts:AssumeRole'], principals: [ec2, account] }),
    );
    expect(() => app.synth()).toThrow(/trust ec2\.amazonaws\.com alone/);
  });

  test('trusts an account on the local stage - is taken, as no instance there is one of EC2', () => {
    const { app, stack, defib } = localStage();
    defib.grantBeat(new Role(stack, 'Agent', { assumedBy: account }));
    expect(() => app.synth()).not.toThrow();
  });
});

describe('a role that is to operate', () => {
  const operatorRoles = (stack: Stack) => {
    const read = new Synthesized(stack);
    return read.variables(read.function('operate'))['DEFIB_OPERATOR_ROLES'];
  };

  test('is of another stack and has a name of its own - is known by that name', () => {
    const { app, stack, defib } = awsStage();
    const role = new Role(new Stack(app, 'Other'), 'Ops', { assumedBy: account, roleName: 'ops' });
    defib.grantOperate(role);
    expect(operatorRoles(stack)).toBe('ops');
  });

  test('is of another stack and has no name yet - is refused, as the stacks would wait for each other', () => {
    const { app, defib } = awsStage();
    const role = new Role(new Stack(app, 'Other'), 'Ops', { assumedBy: account });
    expect(() => defib.grantOperate(role)).toThrow(/Expected the role Other\/Ops to have a fixed roleName/);
  });

  test('was imported by its ARN - is known by the name, without its path', () => {
    const { stack, defib } = awsStage();
    defib.grantOperate(Role.fromRoleArn(stack, 'Ops', 'arn:aws:iam::111122223333:role/teams/ops'));
    expect(operatorRoles(stack)).toBe('ops');
  });
});
