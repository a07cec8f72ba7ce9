import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { SubnetType, Vpc, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { functionNames } from '../lambdas/runtime/env-names.ts';
import { Defib, type DefibBaseProps, type LocalStage } from './defib.ts';
import { LocalCallers } from './local-callers.ts';
import { ConfigurationError } from './configuration-error.ts';

/** Where the workspaces are on AWS, by ids. */
export interface WorkspaceNetwork {
  readonly vpcId: string;
  /** @default - the VPC's private subnets */
  readonly subnetIds?: readonly string[];
}

export type DefibStackProps = StackProps &
  DefibBaseProps &
  (
    | { readonly network: WorkspaceNetwork; readonly local?: undefined }
    | { readonly local: LocalStage; readonly network?: undefined }
  );

/** Defib as a stack of its own, with what tools need to know of it as outputs. */
export class DefibStack extends Stack {
  readonly defib: Defib;

  constructor(scope: Construct, id: string, props: DefibStackProps) {
    super(scope, id, props);
    if (props.local === undefined) {
      const vpc = Vpc.fromLookup(this, 'Vpc', { vpcId: props.network.vpcId });
      const workspaceSubnets = subnetsOf(vpc, props.network.subnetIds);
      this.defib = new Defib(this, 'Defib', { ...ownProps(props), vpc, workspaceSubnets });
    } else {
      this.defib = new Defib(this, 'Defib', { ...ownProps(props), local: props.local });
      const callers = new LocalCallers(this, 'LocalCallers', this.defib);
      this.#output('RoleProxyArn', callers.proxy.roleArn);
      this.#output('RoleOperatorArn', callers.operator.roleArn);
      this.#output('RoleAgentArn', callers.agent.roleArn);
    }
    this.#outputs(this.defib);
  }

  #outputs({ api, state, events, judging, restarting, parking, functions }: Defib): void {
    this.#output('ApiUrl', api.http.apiEndpoint);
    this.#output('TableName', state.table.tableName);
    this.#output('BusName', events.bus.eventBusName);
    this.#output('QueueReprobeUrl', judging.reprobes.queue.queueUrl);
    this.#output('QueueReprobeDlqUrl', judging.reprobes.deadLetters.queueUrl);
    this.#output('QueueRestartUrl', restarting.restarts.queue.queueUrl);
    this.#output('QueueRestartDlqUrl', restarting.restarts.deadLetters.queueUrl);
    this.#output('QueueParkedUrl', parking.parked.queue.queueUrl);
    this.#output('QueueParkedDlqUrl', parking.parked.deadLetters.queueUrl);
    this.#output('QueueDeliveriesUrl', parking.deliveries.queue.queueUrl);
    this.#output('QueueDeliveriesDlqUrl', parking.deliveries.deadLetters.queueUrl);
    for (const name of functionNames) {
      this.#output(`Role${pascalCase(name)}FunctionArn`, functions[name].role.roleArn);
      this.#output(`Function${pascalCase(name)}Name`, functions[name].lambda.functionName);
    }
  }

  #output(name: string, value: string): void {
    new CfnOutput(this, name, { value });
  }
}

/** The props that are the construct's own. */
function ownProps(props: DefibBaseProps): DefibBaseProps {
  const { workspaceTag, policy, volumeKeys, maxConcurrency, reservedConcurrency } = props;
  const { encryptionKey, throttles, alarmActions } = props;
  return Object.fromEntries(
    Object.entries({
      workspaceTag,
      policy,
      volumeKeys,
      maxConcurrency,
      reservedConcurrency,
      encryptionKey,
      throttles,
      alarmActions,
    }).filter(([, value]) => value !== undefined),
  );
}

/** @throws ConfigurationError for an id that is not the VPC's; but while the CDK has yet to look the VPC up, all are made up */
function subnetsOf(vpc: IVpc, ids: readonly string[] | undefined): SubnetSelection {
  if (ids === undefined) {
    if (vpc.privateSubnets.length > 0) return { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
    throw new ConfigurationError(
      `Expected private subnets in ${vpc.vpcId}, got none: name the workspaces' subnets`,
    );
  }
  if (vpc.selectSubnets().isPendingLookup === true) return {};
  const all = [...vpc.privateSubnets, ...vpc.isolatedSubnets, ...vpc.publicSubnets];
  const missing = ids.filter((id) => !all.some(({ subnetId }) => subnetId === id));
  if (missing.length > 0)
    throw new ConfigurationError(`Expected subnets of ${vpc.vpcId}, got ${missing.join(', ')}`);
  return { subnets: all.filter(({ subnetId }) => ids.includes(subnetId)) };
}

const pascalCase = (name: string) =>
  name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
