/** Who calls, as API Gateway's IAM authorizer names them. A caller is its role; the session tells instances apart. */
export interface Caller {
  /** `role/NAME` for an assumed role, `user/NAME` for a user. */
  readonly principal: string;
  /** The role's name, without path. */
  readonly roleName?: string;
  /** The session name: the instance id for an EC2 instance profile. */
  readonly session?: string;
}

const ASSUMED_ROLE = /^arn:[\w-]+:sts::\d{12}:assumed-role\/([\w+=,.@-]{1,64})\/([\w+=,.@-]{1,64})$/;
const USER_OR_ROOT = /^arn:[\w-]+:iam::\d{12}:(user\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}|root)$/;

/** Reads the caller from its ARN; undefined for anything that is not a role session, a user or the account's root. */
export function callerOf(userArn: unknown): Caller | undefined {
  if (typeof userArn !== 'string') return undefined;
  const assumed = ASSUMED_ROLE.exec(userArn);
  // Stryker disable next-line ConditionalExpression: both groups are there or neither; asked twice for the types
  if (assumed?.[1] !== undefined && assumed[2] !== undefined) {
    return { principal: `role/${assumed[1]}`, roleName: assumed[1], session: assumed[2] };
  }
  const user = USER_OR_ROOT.exec(userArn);
  return user?.[1] === undefined ? undefined : { principal: user[1] };
}
