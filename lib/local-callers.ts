import { Aws } from 'aws-cdk-lib';
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Defib } from './defib.ts';

/** The local stage's callers: roles that any tool of the account may take on, one for each part. */
export class LocalCallers extends Construct {
  readonly proxy: Role;
  readonly operator: Role;
  readonly agent: Role;

  constructor(scope: Construct, id: string, defib: Defib) {
    super(scope, id);
    this.proxy = this.#role('Proxy');
    this.operator = this.#role('Operator');
    this.agent = this.#role('Agent');
    defib.grantReport(this.proxy);
    defib.grantOperate(this.operator);
    defib.grantBeat(this.agent);
  }

  #role(id: string): Role {
    return new Role(this, id, { assumedBy: new AccountPrincipal(Aws.ACCOUNT_ID) });
  }
}
