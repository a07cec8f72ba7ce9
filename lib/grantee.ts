import type { Conditions } from 'aws-cdk-lib/aws-iam';

/** What a capability needs of a function to let it in: named rights, and where things are. */
export interface Grantee {
  /** Gives the role these actions on these resources, and no more. */
  allow(actions: readonly string[], resources: readonly string[], conditions?: Conditions): void;
  /** Sets an environment variable of the function. */
  addEnvironment(name: string, value: string): void;
}
