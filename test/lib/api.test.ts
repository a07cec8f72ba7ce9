import { AccountRootPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { routes, type Caller, type Route } from '../../core/routes.ts';
import { awsStage, listOf, Synthesized, type Statement } from './synthesized.ts';

const { stack, defib } = awsStage();
const anyRole = (id: string) => new Role(stack, id, { assumedBy: new AccountRootPrincipal() });
const roles = {
  proxy: anyRole('Proxy'),
  operator: anyRole('Operator'),
  agent: new Role(stack, 'Agent', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
  both: anyRole('ProxyAndOperator'),
};
defib.grantReport(roles.proxy);
defib.grantOperate(roles.operator);
defib.grantBeat(roles.agent);
defib.grantOperate(roles.both);
defib.grantReport(roles.both);
const synthesized = new Synthesized(stack);

describe('the routes', () => {
  const found = synthesized.resources('AWS::ApiGatewayV2::Route').map(({ Properties }) => Properties);

  test('are those of core/routes.ts, and one for anything else', () => {
    const keys = routes.map(({ method, path }) => `${method} ${path}`);
    expect(found.map(({ RouteKey }) => RouteKey).sort()).toEqual([...keys, '$default'].sort());
  });

  test('all have the IAM authorizer', () => {
    expect(found.filter(({ AuthorizationType }) => AuthorizationType !== 'AWS_IAM')).toEqual([]);
  });

  test('lead to the function that answers them', () => {
    const answeredBy = new Map<string, Route['answeredBy']>([
      ...routes.map(({ method, path, answeredBy }) => [`${method} ${path}`, answeredBy] as const),
      ['$default', 'lookup'],
    ]);
    const integrations = synthesized.template.findResources('AWS::ApiGatewayV2::Integration');
    for (const { RouteKey, Target } of found) {
      const [, [, target]] = (Target as { 'Fn::Join': [string, [string, { Ref: string }]] })['Fn::Join'];
      const name = answeredBy.get(RouteKey as string);
      const uri = name && synthesized.text(defib.functions[name].lambda.functionArn);
      expect(JSON.stringify(integrations[target.Ref])).toContain(`"IntegrationUri":${uri}`);
    }
  });
});

test('the access log holds no path, query, header or body', () => {
  const [stage] = synthesized.resources('AWS::ApiGatewayV2::Stage');
  const { Format } = stage?.Properties['AccessLogSettings'] as { Format: string };
  const fields = Object.values(JSON.parse(Format) as Record<string, string>);
  expect(fields).toContain('$context.routeKey');
  expect(fields.filter((field) => /path|query|header|body|authorizer|accessKey|apiKey/i.test(field))).toEqual(
    [],
  );
});

/** Whether IAM lets a role call a path: a star in a resource matches anything, slashes too. */
function mayCall(role: Role, method: string, path: string): boolean {
  const roleId = (stack.resolve(role.roleName) as { Ref: string }).Ref;
  const apiId = (stack.resolve(defib.api.http.apiId) as { Ref: string }).Ref;
  const matches = ({ Resource }: Statement) =>
    listOf(Resource).some((resource) => {
      const text = JSON.stringify(resource);
      const [, pattern] = /"\/\*\/([^"]*)"/.exec(text) ?? [];
      if (pattern === undefined || !text.includes(`"Ref":"${apiId}"`))
        throw new Error(`not a route: ${text}`);
      return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(method + path);
    });
  const statements = synthesized.statementsOf(roleId).filter(matches);
  return statements.length > 0 && statements.every(({ Effect }) => Effect === 'Allow');
}

const granted: [keyof typeof roles, readonly Caller[]][] = [
  ['proxy', ['proxy']],
  ['operator', ['operator']],
  ['agent', ['agent']],
  ['both', ['proxy', 'operator']],
];
describe.each(granted)('the role of %s', (name, parts) => {
  test('may call the routes of its part, and no others', () => {
    const concrete = routes.map(({ method, path, callers }) => ({
      call: `${method} ${path.replace(/\{workspaceId\}/, 'ws-1').replaceAll(/\{\w+\}/g, '01J000')}`,
      mine: (callers as readonly Caller[]).some((caller) => parts.includes(caller)),
    }));
    const may = concrete.filter(({ call }) => {
      const [method = '', path = ''] = call.split(' ');
      return mayCall(roles[name], method, path);
    });
    expect(may).toEqual(concrete.filter(({ mine }) => mine));
  });

  test('may call the API and do nothing else', () => {
    const roleId = (stack.resolve(roles[name].roleName) as { Ref: string }).Ref;
    const actions = synthesized.statementsOf(roleId).flatMap(({ Action }) => listOf(Action));
    expect(new Set(actions)).toEqual(new Set(['execute-api:Invoke']));
  });
});

test('no role may call what is no route of the list by its method', () => {
  for (const role of Object.values(roles)) {
    expect(mayCall(role, 'PATCH', '/workspaces/ws-1')).toBe(false);
    expect(mayCall(role, 'POST', '/workspaces')).toBe(false);
  }
});

test('operators are known to lookup and operate by the names of their roles', () => {
  for (const name of ['lookup', 'operate'] as const) {
    expect(synthesized.variables(synthesized.function(name))['DEFIB_OPERATOR_ROLES']).toEqual({
      'Fn::Join': ['', [stack.resolve(roles.operator.roleName), ',', stack.resolve(roles.both.roleName)]],
    });
  }
});

describe('how often a route may be called', () => {
  const settings = (props: Parameters<typeof awsStage>[0] = {}) => {
    const [stage] = new Synthesized(awsStage(props).stack).resources('AWS::ApiGatewayV2::Stage');
    return stage?.Properties as {
      RouteSettings: Record<string, { ThrottlingRateLimit: number; ThrottlingBurstLimit: number }>;
      DefaultRouteSettings: unknown;
    };
  };

  test('is limited by the kind of its callers, and hardly at all what is no route', () => {
    const { RouteSettings: limits, DefaultRouteSettings: others } = settings();
    expect(Object.keys(limits).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
    expect(limits['POST /workspaces/{workspaceId}/heartbeats']?.ThrottlingRateLimit).toBe(5_000);
    expect(limits['POST /workspaces/{workspaceId}/forward-errors']?.ThrottlingRateLimit).toBe(1_000);
    expect(limits['POST /workspaces/{workspaceId}/restart']?.ThrottlingRateLimit).toBe(100);
    expect(others).toEqual({ ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 });
  });

  test('is what the user says', () => {
    const { RouteSettings: limits } = settings({ throttles: { agent: { ratePerSecond: 7, burst: 9 } } });
    expect(limits['POST /workspaces/{workspaceId}/heartbeats']).toEqual({
      ThrottlingRateLimit: 7,
      ThrottlingBurstLimit: 9,
    });
  });

  test('is set on routes that are there already', () => {
    const [stage] = Object.values(synthesized.template.findResources('AWS::ApiGatewayV2::Stage')) as {
      DependsOn: string[];
    }[];
    expect(
      stage?.DependsOn.filter((it) => /Route|GET|POST|PUT|DELETE/.test(it)).length,
    ).toBeGreaterThanOrEqual(routes.length);
  });
});
