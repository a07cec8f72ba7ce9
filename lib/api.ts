import { Aspects, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import type { CfnStage } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Effect, Grant, PolicyStatement, type IGrantable, type IPrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { routes, type Caller, type Route } from '../core/routes.ts';
import type { DefibFunction } from './defib-function.ts';
import type { Encryption } from './encryption.ts';
import type { LocalStage } from './local-stage.ts';
import { routeAccess } from './route-access.ts';
import { defaultThrottles, routeSettings, type Throttles } from './throttles.ts';

/** What the access log keeps of a call: who, which route, how it ended. No path, query, header or body. */
const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  caller: '$context.identity.userArn',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  functionLatencyMs: '$context.integrationLatency',
  error: '$context.error.message',
  functionError: '$context.integrationErrorMessage',
};

export interface ApiProps {
  readonly answeredBy: Readonly<Record<Route['answeredBy'], DefibFunction>>;
  readonly encryption: Encryption;
  readonly throttles: Partial<Throttles>;
  readonly local: LocalStage | undefined;
}

/** The HTTP API, made from the list of routes: IAM in front of each, and grants of exactly a caller's own. */
export class Api extends Construct {
  readonly http: HttpApi;
  readonly #partsOf = new Map<IPrincipal, Set<Caller>>();

  constructor(scope: Construct, id: string, { answeredBy, encryption, throttles, local }: ApiProps) {
    super(scope, id);
    const authorizer = new HttpIamAuthorizer();
    this.http = new HttpApi(this, 'Http', {
      description: 'Defib',
      createDefaultStage: false,
      defaultAuthorizer: authorizer,
    });
    const stage = this.#addStage(encryption, { ...defaultThrottles, ...throttles }, local);

    const integrations = Object.fromEntries(
      Object.entries(answeredBy).map(([name, fn]) => [
        name,
        // The function's resource policy names the API once, not each of its routes: it is limited to 20 KB.
        new HttpLambdaIntegration(name, fn.lambda, { scopePermissionToRoute: false }),
      ]),
    ) as Record<Route['answeredBy'], HttpLambdaIntegration>;
    for (const { path, method, answeredBy: name } of routes) {
      const added = this.http.addRoutes({
        path,
        methods: [HttpMethod[method]],
        integration: integrations[name],
      });
      // A stage can't limit a route that isn't there yet.
      stage.node.addDependency(...added);
    }
    // Lookup says 404 `no-route` in the form of all our errors.
    new HttpRoute(this, 'AnythingElse', {
      httpApi: this.http,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.lookup,
      authorizer,
    });
    // One role may be given several parts, in any order, so what to deny it is known only at the end.
    Aspects.of(this).add({ visit: (node) => node === this && this.#denyOthersRoutes() });
  }

  /** Lets a caller use the routes of its part. */
  grant(grantee: IGrantable, part: Caller): Grant {
    const principal = grantee.grantPrincipal;
    this.#partsOf.set(principal, new Set([...(this.#partsOf.get(principal) ?? []), part]));
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: this.#arns(routeAccess(routes, new Set([part])).allowed),
    });
  }

  #denyOthersRoutes(): void {
    for (const [principal, parts] of this.#partsOf) {
      const { denied } = routeAccess(routes, parts);
      if (denied.length === 0) continue;
      principal.addToPrincipalPolicy(
        new PolicyStatement({
          effect: Effect.DENY,
          actions: ['execute-api:Invoke'],
          resources: this.#arns(denied),
        }),
      );
    }
    this.#partsOf.clear();
  }

  #arns(patterns: readonly string[]): string[] {
    const stack = Stack.of(this);
    return patterns.map((pattern) =>
      stack.formatArn({ service: 'execute-api', resource: this.http.apiId, resourceName: `*/${pattern}` }),
    );
  }

  #addStage(encryption: Encryption, throttles: Throttles, local: LocalStage | undefined): HttpStage {
    const logs = encryption.logGroup(this, 'AccessLogs', local);
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.http,
      stageName: '$default',
      autoDeploy: true,
      // For what is no route of ours.
      throttle: { rateLimit: 10, burstLimit: 20 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logs),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    (stage.node.defaultChild as CfnStage).routeSettings = routeSettings(throttles);
    return stage;
  }
}
