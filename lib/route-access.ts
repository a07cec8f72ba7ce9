import type { Caller, Route } from '../core/routes.ts';

/** Routes as IAM names them: `GET/workspaces/*`, below the ARN of the API and its stage. */
export interface RouteAccess {
  readonly allowed: readonly string[];
  /**
   * Routes of others that an allowed pattern covers, since a star of IAM also matches slashes: `GET/workspaces/*` is
   * `GET /workspaces/{id}/requests` too. They have to be denied for the grant to be exact.
   */
  readonly denied: readonly string[];
}

/** What a caller that has all these parts may call: exactly their routes. */
export function routeAccess(routes: readonly Route[], parts: ReadonlySet<Caller>): RouteAccess {
  const mine = routes.filter((route) => route.callers.some((caller) => parts.has(caller)));
  const others = routes.filter((route) => !mine.includes(route));
  const allowed = mine.map(patternOf);
  return {
    allowed,
    denied: others.map(patternOf).filter((other) => allowed.some((own) => covers(own, other))),
  };
}

/**
 * A route's pattern, a star for each parameter. Not CDK's `HttpRoute.routeArn`: that one ends at the first parameter,
 * so that the right to beat would be the right to `POST/workspaces/*`, restarts included.
 */
function patternOf({ method, path }: Route): string {
  return method + path.replaceAll(/\{\w+\}/g, '*');
}

/** Whether every path of the one pattern is matched by the other, as IAM matches: a star is anything, slashes too. */
function covers(pattern: string, other: string): boolean {
  const literal = (text: string) => text.replaceAll(/[.\\^$+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`).test(other);
}
