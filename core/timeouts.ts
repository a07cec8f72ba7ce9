/**
 * How long Lambda lets each function run, in seconds. The stack deploys it so, and what must not be done by a sandbox
 * that stood still goes by it: what is older than any invocation of its function lives has been frozen in between (S8).
 */
export const timeoutSeconds = {
  /** API Gateway gives up after 29. */
  'forward-error': 28,
  reprobe: 10,
  restart: 20,
  /** Handing on is one call. */
  receive: 15,
  /** It waits for an agent's whole turn: the longest time that Lambda allows. */
  deliver: 900,
  heartbeat: 5,
  /** The next one comes after a minute. */
  sweep: 55,
  lookup: 10,
  operate: 15,
  'instance-change': 10,
} as const;
