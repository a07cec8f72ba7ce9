import { routes, type Caller, type Route } from '../core/routes.ts';

/** How often the callers of one kind may call a route, all of them together; over it API Gateway answers 429. */
export interface Throttle {
  readonly ratePerSecond: number;
  readonly burst: number;
}
export type Throttles = Readonly<Record<Caller, Throttle>>;

/** Enough for 10,000 workspaces that beat every five seconds, and for a tenth of them failing at once. */
export const defaultThrottles: Throttles = {
  agent: { ratePerSecond: 5_000, burst: 5_000 },
  proxy: { ratePerSecond: 1_000, burst: 2_000 },
  operator: { ratePerSecond: 100, burst: 200 },
};

/**
 * The limit of each route, by its key: the largest of its callers'. So a flood from one kind of caller takes nothing
 * from the routes of the others: operators can still pause when the proxies go mad.
 */
export function routeSettings(
  throttles: Throttles,
): Record<string, { ThrottlingRateLimit: number; ThrottlingBurstLimit: number }> {
  return Object.fromEntries(
    (routes as readonly Route[]).map(({ method, path, callers }) => {
      const limits = callers.map((caller) => throttles[caller]);
      return [
        `${method} ${path}`,
        {
          ThrottlingRateLimit: Math.max(...limits.map(({ ratePerSecond }) => ratePerSecond)),
          ThrottlingBurstLimit: Math.max(...limits.map(({ burst }) => burst)),
        },
      ];
    }),
  );
}
