import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accepts what rules of cdk-nag would find on a construct or below it, each with the reason why it is right here. A test
 * runs the packs; whoever runs them over an app of their own finds nothing of Defib's unexplained.
 */
export function accept(scope: IConstruct, reasons: Readonly<Record<string, string>>): void {
  const rules = Object.entries(reasons).map(([id, reason]) => ({ id, reason }));
  Validations.of(scope).acknowledge(...rules);
}
