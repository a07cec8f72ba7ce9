import { App, Stack } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Defib } from 'defib';

const app = new App();
const stack = new Stack(app, 'Agents', { env: { account: '123456789012', region: 'eu-west-1' } });
const vpc = Vpc.fromLookup(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0' });

const defib = new Defib(stack, 'Defib', {
  vpc,
  workspaceSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  policy: { settleSeconds: 90 },
});

const proxy = new Role(stack, 'Proxy', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
const agent = new Role(stack, 'Agent', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
const operator = new Role(stack, 'Operator', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
defib.grantReport(proxy); // report forward errors, read verdicts and its own requests
defib.grantBeat(agent); // beat, and only for the instance that the session names
defib.grantOperate(operator); // register, pause, restart, look at everything
