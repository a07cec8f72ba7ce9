/** What may be ordered of the proxy by `PUT /faults`, checked so that a typo is an answer and not a silent no-op. */
import { z } from 'zod';

import { stateNames } from './states.ts';

/** The EC2 actions that the proxy plays a part in. */
export const ec2Actions = [
  'RunInstances',
  'DescribeInstances',
  'DescribeInstanceStatus',
  'StartInstances',
  'StopInstances',
  'TerminateInstances',
] as const;
export type Ec2Action = (typeof ec2Actions)[number];

const action = z.enum(ec2Actions);
const instanceId = z
  .string()
  .regex(/^i-[0-9a-f]{8,17}$/, 'Invalid instance id: expected i- and 8 to 17 hex digits');
const state = z.enum(stateNames);
const shown = z.union([state, z.array(state), z.null()], {
  error: `Invalid state: expected one of ${stateNames.join(', ')}, a list of them, or null`,
});
const rates = z.partialRecord(action, z.number().min(0).max(1));
const seconds = z.number().min(0).max(86_400);

const faultOrder = z.strictObject({
  /** What DescribeInstances shows as the instance's state: always, or call by call; null for the truth again. */
  probe: z.record(instanceId, shown).optional(),
  /** The share of calls answered with RequestLimitExceeded. */
  throttle: rates.optional(),
  /** The share of calls answered with InternalError. */
  fail: rates.optional(),
  /** The share of calls that are done, and whose caller is cut off without an answer. */
  loseAnswer: rates.optional(),
  /** How long a call is held before it is done. */
  delayMs: z.partialRecord(action, z.number().min(0).max(600_000)).optional(),
  pendingSeconds: seconds.optional(),
  stoppingSeconds: seconds.optional(),
  /** Instances that can't be started for lack of capacity. Replaces the earlier list. */
  noCapacity: z.array(instanceId).optional(),
});

export type FaultOrder = z.input<typeof faultOrder>;

/** The order, or one line that says what is wrong with it. */
export function parseFaultOrder(text: string): { readonly order: FaultOrder } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'Expected a JSON object, got something else' };
  }
  const parsed = faultOrder.safeParse(json);
  if (parsed.success) return { order: parsed.data };
  const problems = parsed.error.issues.map((issue) => {
    // For a bad key the reason is one level down.
    const { message } = (issue.code === 'invalid_key' ? issue.issues[0] : undefined) ?? issue;
    return `${issue.path.join('.') || 'faults'}: ${message}`;
  });
  return { problem: problems.join('; ') };
}
