import { App, Stack } from 'aws-cdk-lib';
import { Vpc, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { Defib } from '../lib/defib.ts';

/** A stage with all that can be granted, and a VPC of which the page shows nothing. */
export function exampleStage(outdir: string): { stack: Stack; defib: Defib } {
  const app = new App({
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:disable-asset-staging': true },
  });
  const stack = new Stack(app, 'Stack');
  const vpc = new Vpc(stack, 'Vpc', { maxAzs: 1, restrictDefaultSecurityGroup: false }) as IVpc;
  const defib = new Defib(stack, 'Defib', { vpc, workspaceSubnets: { subnets: vpc.privateSubnets } });
  const callers = new Construct(stack, 'callers');
  const role = (name: string) =>
    new Role(callers, name, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  defib.grantReport(role('proxy'));
  defib.grantOperate(role('operator'));
  defib.grantBeat(role('agent'));
  return { stack, defib };
}
