/** The sweep over the mocked table: which rows the indexes name as due, and what those rows are. */
import type { dueKey } from '../../lambdas/adapters/keys.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aStoredWorkspace } from './mocked-aws.ts';
import { anew, OneWorkspace } from './one-workspace.ts';
import { finds, REQUEST, rowItem } from './parked.ts';

type DueKey = (typeof dueKey)[keyof typeof dueKey];

class SweepWorld extends OneWorkspace {
  override begin(): void {
    super.begin();
    finds(this.aws, {});
  }

  /** The index names these partitions, and no others. */
  due = (key: DueKey, ...partitions: string[]): void => {
    finds(this.aws, { [key]: partitions.map((pk) => ({ pk })) });
  };

  sweep = () => handleSweep(this.ports);

  /** One request is due, and its row is like that. */
  sweepRequest = async (changes: Parameters<typeof rowItem>[0]): Promise<void> => {
    this.due('DUE#REQUESTS', `REQ#${REQUEST}`);
    this.hold(aStoredWorkspace(), [rowItem(changes)]);
    await this.sweep();
  };
}

/** Begins anew for each test of a file. */
export function sweepWorld(): SweepWorld {
  return anew(new SweepWorld());
}
