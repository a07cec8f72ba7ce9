import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Grant, IGrantable, IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { PolicySettings } from '../core/policy.ts';
import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import { Alarms, type AlarmActions } from './alarms.ts';
import { Api } from './api.ts';
import { instanceRoleProblems, nameOfRole } from './caller-roles.ts';
import type { DefibFunction } from './defib-function.ts';
import { DeliveryNetwork, type VpcEndpoints } from './delivery-network.ts';
import { Encryption, type EncryptionKey } from './encryption.ts';
import { Events } from './events.ts';
import { addFailureAlarms } from './failure-alarms.ts';
import type { Foundations } from './foundations.ts';
import type { LocalStage } from './local-stage.ts';
import { Heartbeats } from './heartbeats.ts';
import { InstanceChanges } from './instance-changes.ts';
import { Judging } from './judging.ts';
import { Operating } from './operating.ts';
import { Parking } from './parking.ts';
import { Restarting, type WorkspaceTag } from './restarting.ts';
import { fleetSettings } from './settings.ts';
import { State } from './state.ts';
import { Sweeping } from './sweeping.ts';
import type { Throttles } from './throttles.ts';
import { ConfigurationError } from './configuration-error.ts';

export type { PolicySettings } from '../core/policy.ts';
export type { FunctionName } from '../lambdas/runtime/env-names.ts';
export type { AlarmActions } from './alarms.ts';
export type { EncryptionKey } from './encryption.ts';
export type { VpcEndpoints } from './delivery-network.ts';
export type { LocalStage } from './local-stage.ts';
export type { WorkspaceTag } from './restarting.ts';
export type { Throttle, Throttles } from './throttles.ts';

/** What holds on every stage. */
export interface DefibBaseProps {
  /**
   * The tag of the instances that may be registered and restarted.
   * @default - defib:workspace = true
   */
  readonly workspaceTag?: WorkspaceTag;
  /**
   * The numbers that Defib decides by.
   * @default - each setting's own default
   */
  readonly policy?: Partial<PolicySettings>;
  /**
   * Customer keys that encrypt volumes of workspaces: a start needs a grant on them.
   * @default - no such volumes
   */
  readonly volumeKeys?: readonly IKey[];
  /**
   * How many invocations the queues may have at once; at least 2 each.
   * @default - reprobe 10, restart 5, receive 10, deliver 50
   */
  readonly maxConcurrency?: {
    readonly reprobe?: number;
    readonly restart?: number;
    readonly receive?: number;
    readonly deliver?: number;
  };
  /**
   * Concurrency set aside for functions. A new account may have no more than 10 in all.
   * @default - none is set aside
   */
  readonly reservedConcurrency?: Partial<Record<FunctionName, number>>;
  /**
   * Whose key encrypts the table, the queues, the events and the logs.
   * @default - 'customer-managed'; 'aws-owned' on the local stage
   */
  readonly encryptionKey?: EncryptionKey;
  /**
   * How often each kind of caller may call a route.
   * @default - agents 5,000 a second, proxies 1,000, operators 100
   */
  readonly throttles?: Partial<Throttles>;
  /**
   * Whom the alarms tell.
   * @default - nobody
   */
  readonly alarmActions?: AlarmActions;
}

/** A stage on AWS, where deliver must reach the workspaces. */
export interface DefibAwsProps extends DefibBaseProps {
  /** The VPC of the workspaces. */
  readonly vpc: IVpc;
  /** The workspaces' subnets: parked requests are delivered from there, and to there only. */
  readonly workspaceSubnets: SubnetSelection;
  /**
   * How deliver reaches AWS from inside the VPC.
   * @default 'create'
   */
  readonly vpcEndpoints?: VpcEndpoints;
  readonly local?: undefined;
}

/** The local stage, on an emulator. */
export interface DefibLocalProps extends DefibBaseProps {
  readonly local: LocalStage;
  readonly vpc?: undefined;
  readonly workspaceSubnets?: undefined;
  readonly vpcEndpoints?: undefined;
}

export type DefibProps = DefibAwsProps | DefibLocalProps;

/**
 * The control plane: it tells a dead workspace from a busy one, restarts only the dead, and keeps requests meanwhile.
 *
 * Callers get in by grants: proxies by {@link grantReport}, the workspaces' instances by {@link grantBeat}, people and
 * their tools by {@link grantOperate}.
 */
export class Defib extends Construct {
  readonly encryption: Encryption;
  readonly state: State;
  readonly events: Events;
  readonly judging: Judging;
  readonly restarting: Restarting;
  readonly parking: Parking;
  readonly heartbeats: Heartbeats;
  readonly sweeping: Sweeping;
  readonly operating: Operating;
  readonly instanceChanges: InstanceChanges;
  readonly api: Api;
  readonly functions: Readonly<Record<FunctionName, DefibFunction>>;
  readonly #network: DeliveryNetwork | undefined;
  readonly #local: LocalStage | undefined;

  constructor(scope: Construct, id: string, props: DefibProps) {
    super(scope, id);
    const { local, maxConcurrency = {} } = props;
    const workspaceTag = props.workspaceTag ?? { key: 'defib:workspace', value: 'true' };
    const policySettings = fleetSettings(props.policy ?? {});
    this.#local = local;
    const kindOfKey = props.encryptionKey ?? (local === undefined ? 'customer-managed' : 'aws-owned');
    this.encryption = new Encryption(this, 'Encryption', kindOfKey);
    const { encryption } = this;
    this.state = new State(this, 'State', { encryption, local });
    this.events = new Events(this, 'Events', { encryption, local });
    const foundations: Foundations = {
      state: this.state,
      events: this.events,
      alarms: new Alarms(this, 'Alarms', { actions: props.alarmActions ?? {}, silent: local !== undefined }),
      encryption,
      policySettings,
      reservedConcurrency: props.reservedConcurrency ?? {},
      local,
    };
    this.#network = props.local === undefined ? this.#joinVpc(props) : undefined;

    this.parking = new Parking(this, 'Parking', {
      foundations,
      network: this.#network,
      maxConcurrency: { receive: maxConcurrency.receive ?? 10, deliver: maxConcurrency.deliver ?? 50 },
    });
    const { parked } = this.parking;
    this.restarting = new Restarting(this, 'Restarting', {
      foundations,
      workspaceTag,
      volumeKeys: props.volumeKeys ?? [],
      parked,
      maxConcurrency: maxConcurrency.restart ?? 5,
    });
    const { restarts } = this.restarting;
    this.judging = new Judging(this, 'Judging', {
      foundations,
      parked,
      restarts,
      maxConcurrency: maxConcurrency.reprobe ?? 10,
    });
    const { reprobes } = this.judging;
    this.parking.reportTo(reprobes);
    this.heartbeats = new Heartbeats(this, 'Heartbeats', { foundations, parked });
    this.sweeping = new Sweeping(this, 'Sweeping', { foundations, reprobes, restarts, parked });
    this.operating = new Operating(this, 'Operating', { foundations, workspaceTag, restarts, parked });
    this.instanceChanges = new InstanceChanges(this, 'InstanceChanges', { foundations });
    this.functions = {
      'forward-error': this.judging.forwardError,
      reprobe: this.judging.reprobe,
      restart: this.restarting.restart,
      receive: this.parking.receive,
      deliver: this.parking.deliver,
      heartbeat: this.heartbeats.heartbeat,
      sweep: this.sweeping.sweep,
      lookup: this.operating.lookup,
      operate: this.operating.operate,
      'instance-change': this.instanceChanges.instanceChange,
    };
    addFailureAlarms(this, foundations.alarms, this.functions);
    this.api = new Api(this, 'Api', {
      encryption,
      throttles: props.throttles ?? {},
      local,
      answeredBy: this.functions,
    });
  }

  /**
   * Lets a proxy report forward errors, and follow what it parked.
   *
   * @throws ConfigurationError for a role of another stack that has no fixed name
   */
  grantReport(grantee: IGrantable): Grant {
    if ('roleName' in grantee) this.operating.addReporterRole(nameOfRole(grantee as IRole, this));
    return this.api.grant(grantee, 'proxy');
  }

  /**
   * Lets workspaces send heartbeats. The name of the session is taken for the instance id, so the role must be one
   * that only EC2 gives, to its instances: the app fails at synth if its trust policy says otherwise.
   */
  grantBeat(role: IRole): Grant {
    if (this.#local === undefined) role.node.addValidation({ validate: () => instanceRoleProblems(role) });
    return this.api.grant(role, 'agent');
  }

  /**
   * Lets a role register, pause and restart workspaces, and see every request.
   *
   * @throws ConfigurationError for a role of another stack that has no fixed name
   */
  grantOperate(role: IRole): Grant {
    this.operating.addOperatorRole(nameOfRole(role, this));
    return this.api.grant(role, 'operator');
  }

  /** From where parked requests come: let it in at the workspaces' port. There is none on the local stage. */
  get deliverSecurityGroup(): ISecurityGroup {
    if (this.#network === undefined)
      throw new ConfigurationError('Expected a stage with a VPC, got the local one');
    return this.#network.securityGroup;
  }

  #joinVpc({ vpc, workspaceSubnets, vpcEndpoints = 'create' }: DefibAwsProps): DeliveryNetwork {
    return new DeliveryNetwork(this, 'Network', { vpc, workspaceSubnets, vpcEndpoints });
  }
}
