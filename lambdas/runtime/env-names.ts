/**
 * The names that the stack and the functions share: functions, their environment variables, and the stack's
 * outputs. Strings only: this is the one runtime file that `lib` may import.
 */

export const functionNames = [
  'forward-error',
  'reprobe',
  'restart',
  'receive',
  'deliver',
  'heartbeat',
  'sweep',
  'lookup',
  'operate',
  'instance-change',
] as const;
export type FunctionName = (typeof functionNames)[number];

export const env = {
  /** The one DynamoDB table. */
  tableName: 'DEFIB_TABLE_NAME',
  reprobeQueueUrl: 'DEFIB_REPROBE_QUEUE_URL',
  reprobeDlqUrl: 'DEFIB_REPROBE_DLQ_URL',
  restartQueueUrl: 'DEFIB_RESTART_QUEUE_URL',
  restartDlqUrl: 'DEFIB_RESTART_DLQ_URL',
  parkedQueueUrl: 'DEFIB_PARKED_QUEUE_URL',
  parkedDlqUrl: 'DEFIB_PARKED_DLQ_URL',
  deliveriesQueueUrl: 'DEFIB_DELIVERIES_QUEUE_URL',
  deliveriesDlqUrl: 'DEFIB_DELIVERIES_DLQ_URL',
  /** EventBridge bus for Defib's own events. */
  busName: 'DEFIB_BUS_NAME',
  /** The fleet's PolicySettings as JSON. */
  policySettings: 'DEFIB_POLICY_SETTINGS',
  /** The tag that marks instances of this fleet, as JSON {"Key": ..., "Value": ...}. */
  workspaceTag: 'DEFIB_WORKSPACE_TAG',
  /** Names of the IAM roles that may see every request, separated by commas. */
  operatorRoles: 'DEFIB_OPERATOR_ROLES',
  /** Names of the IAM roles that may report forward errors, separated by commas. */
  reporterRoles: 'DEFIB_REPORTER_ROLES',
  /** Deliver only: CIDR blocks of the workspace subnets, separated by commas. */
  workspaceCidrs: 'DEFIB_WORKSPACE_CIDRS',
  /** Local stage only: the address of every instance. */
  localAddress: 'DEFIB_LOCAL_ADDRESS',
} as const;

/** Secondary indexes of the table; for lists and the sweep, never on a safety path. */
export const indexes = {
  /** Partition `listKey` (S), sort `listSort` (S), keys only. */
  byList: 'byList',
  /** Partition `dueKey` (S), sort `dueAt` (N, epoch ms), keys only. */
  byDue: 'byDue',
} as const;
