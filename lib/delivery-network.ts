import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
  type ISubnet,
  type IVpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { accept } from './accepted.ts';
import { ConfigurationError } from './configuration-error.ts';

/**
 * How the deliver function reaches SQS, EC2, EventBridge and DynamoDB from inside the VPC: by endpoints made here,
 * by endpoints that are there already, or through a NAT gateway or another way out.
 */
export type VpcEndpoints = 'create' | 'existing' | 'nat';

export interface DeliveryNetworkProps {
  readonly vpc: IVpc;
  readonly workspaceSubnets: SubnetSelection;
  readonly vpcEndpoints: VpcEndpoints;
}

/** Deliver's place in the workspaces' network: the only function that can open a connection to them. */
export class DeliveryNetwork extends Construct {
  readonly vpc: IVpc;
  readonly subnets: ISubnet[];
  readonly securityGroup: SecurityGroup;
  readonly workspaceCidrs: readonly string[];
  /** In a public subnet a function still has no way out to the internet; with endpoints it needs none. */
  readonly allowPublicSubnet: boolean;

  constructor(scope: Construct, id: string, { vpc, workspaceSubnets, vpcEndpoints }: DeliveryNetworkProps) {
    super(scope, id);
    this.vpc = vpc;
    this.subnets = vpc.selectSubnets(workspaceSubnets).subnets;
    if (this.subnets.length === 0) {
      throw new ConfigurationError(
        'Expected workspaceSubnets to select at least one subnet of the VPC, got none',
      );
    }
    this.allowPublicSubnet = vpcEndpoints !== 'nat';
    this.workspaceCidrs = this.subnets.map((subnet) => subnet.ipv4CidrBlock);
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'The function of Defib that delivers parked requests',
      allowAllOutbound: false,
    });
    for (const cidr of this.workspaceCidrs) {
      this.securityGroup.addEgressRule(Peer.ipv4(cidr), Port.allTcp(), 'to the workspaces');
    }
    // A gateway endpoint is no address of the VPC: the packets still go to DynamoDB's public ones.
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'to AWS services');
    if (vpcEndpoints === 'create') this.#createEndpoints();
  }

  #createEndpoints(): void {
    const services = {
      Sqs: InterfaceVpcEndpointAwsService.SQS,
      Ec2: InterfaceVpcEndpointAwsService.EC2,
      EventBridge: InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    };
    for (const [name, service] of Object.entries(services)) {
      const endpoint = new InterfaceVpcEndpoint(this, name, {
        vpc: this.vpc,
        service,
        subnets: { subnets: onePerZone(this.subnets) },
        // Private DNS turns every caller in the VPC to this endpoint, so it must take them all, not only deliver.
        open: true,
      });
      const vpcOnly = "The rule can't read the range, which is the VPC's own.";
      accept(endpoint, {
        'AwsSolutions-EC23': vpcOnly,
        'NIST.800.53.R5-EC2RestrictedCommonPorts': vpcOnly,
        'NIST.800.53.R5-EC2RestrictedSSH': vpcOnly,
      });
      // What `open` lets in is the VPC's first range; a workspace subnet may be of a later one.
      endpoint.connections.allowDefaultPortFrom(this.securityGroup);
    }
    new GatewayVpcEndpoint(this, 'DynamoDb', {
      vpc: this.vpc,
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [{ subnets: this.subnets }],
    });
  }
}

/** An interface endpoint takes one subnet in a zone, and refuses a second. */
function onePerZone(subnets: readonly ISubnet[]): ISubnet[] {
  return [...new Map(subnets.map((subnet) => [subnet.availabilityZone, subnet])).values()];
}
