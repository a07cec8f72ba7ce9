import { Lazy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import { DefibFunction } from './defib-function.ts';
import type { Foundations } from './foundations.ts';
import type { WorkspaceTag } from './restarting.ts';
import type { WorkQueue } from './work-queue.ts';

export interface OperatingProps {
  readonly foundations: Foundations;
  readonly workspaceTag: WorkspaceTag;
  readonly restarts: WorkQueue;
  readonly parked: WorkQueue;
}

/** What people see and order: the reads for everybody who may ask, the changes for operators. */
export class Operating extends Construct {
  readonly lookup: DefibFunction;
  readonly operate: DefibFunction;
  readonly #operatorRoles: string[] = [];
  readonly #reporterRoles: string[] = [];

  constructor(scope: Construct, id: string, { foundations, workspaceTag, restarts, parked }: OperatingProps) {
    super(scope, id);
    this.lookup = new DefibFunction(this, 'Lookup', {
      name: 'lookup',
      description: 'Shows workspaces, verdicts, requests and the fleet',
      foundations,
    });
    foundations.state.usedBy(this.lookup, { does: 'reads', lists: true });

    this.operate = new DefibFunction(this, 'Operate', {
      name: 'operate',
      description: 'Registers, pauses, settles and restarts workspaces on order',
      foundations,
    });
    foundations.state.usedBy(this.operate, { does: 'decides', lists: true });
    foundations.events.publishedBy(this.operate);
    this.operate.mayDescribeInstances();
    restarts.filledBy(this.operate);
    parked.hurriedBy(this.operate);
    // A dead letter that is sent again is parked anew.
    parked.filledBy(this.operate);
    this.operate.addEnvironment(
      env.workspaceTag,
      JSON.stringify({ Key: workspaceTag.key, Value: workspaceTag.value }),
    );

    // Roles are named as long as the app is being built, so the list is read at the end.
    const roles = Lazy.string({ produce: () => this.#operatorRoles.join(',') });
    this.lookup.addEnvironment(env.operatorRoles, roles);
    this.operate.addEnvironment(env.operatorRoles, roles);
    this.operate.addEnvironment(
      env.reporterRoles,
      Lazy.string({ produce: () => this.#reporterRoles.join(',') }),
    );
  }

  /** Has the functions take callers with this role for operators, who may see every request. */
  addOperatorRole(roleName: string): void {
    if (!this.#operatorRoles.includes(roleName)) this.#operatorRoles.push(roleName);
  }

  /** Has dead letters of callers with this role sent again on order: of nobody else's, as they may not report any more. */
  addReporterRole(roleName: string): void {
    if (!this.#reporterRoles.includes(roleName)) this.#reporterRoles.push(roleName);
  }
}
