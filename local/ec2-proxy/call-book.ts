/** Counts the EC2 calls that reached the proxy, answered or not, for each instance that they named. */
import { ec2Actions } from './fault-order.ts';

/** Where calls are counted that name no instance. */
export const everyInstance = '*';

export type CallCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export class CallBook {
  readonly #counts = new Map<string, Map<string, number>>(ec2Actions.map((action) => [action, new Map()]));

  count(action: string, instanceIds: readonly string[]): void {
    const counts = this.#counts.get(action) ?? new Map<string, number>();
    this.#counts.set(action, counts);
    const named = instanceIds.length > 0 ? new Set(instanceIds) : [everyInstance];
    for (const id of named) counts.set(id, (counts.get(id) ?? 0) + 1);
  }

  get counts(): CallCounts {
    return Object.fromEntries(
      [...this.#counts].map(([action, counts]) => [action, Object.fromEntries(counts)]),
    );
  }
}
