import { EventBus } from 'aws-cdk-lib/aws-events';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { env } from '../lambdas/runtime/env-names.ts';
import type { Encryption } from './encryption.ts';
import type { Grantee } from './grantee.ts';
import type { LocalStage } from './local-stage.ts';

export interface EventsProps {
  readonly encryption: Encryption;
  readonly local: LocalStage | undefined;
}

/** The bus that carries Defib's own events (source `defib`), for users to put their rules on. */
export class Events extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { encryption, local }: EventsProps) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', {
      description: 'Verdicts, restarts, requests and the brake of Defib',
      ...(encryption.key && { kmsKey: encryption.key }),
    });
    // The emulator speaks plain HTTP.
    if (local === undefined) this.#takeTlsOnly();
  }

  /** Lets a function publish. */
  publishedBy(fn: Grantee): void {
    fn.addEnvironment(env.busName, this.bus.eventBusName);
    fn.allow(['events:PutEvents'], [this.bus.eventBusArn]);
  }

  #takeTlsOnly(): void {
    this.bus.addToResourcePolicy(
      new PolicyStatement({
        sid: 'TlsOnly',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['events:PutEvents'],
        resources: [this.bus.eventBusArn],
        conditions: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    );
  }
}
