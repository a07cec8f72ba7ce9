import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import type { DefibFunction } from './defib-function.ts';

/** The bus that carries Defib's own events (source `defib`), for users to put their rules on. */
export class Events extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', {
      description: 'Verdicts, restarts, requests and the brake of Defib',
    });
  }

  /** Lets a function publish. */
  publishedBy(fn: DefibFunction): void {
    fn.addEnvironment(env.busName, this.bus.eventBusName);
    fn.allow(['events:PutEvents'], [this.bus.eventBusArn]);
  }
}
