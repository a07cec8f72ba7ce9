/** A claimed workspace of a fleet of forty, as the functions that work the brake find it. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Death } from '../../core/deaths.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { claimed, INSTANCE, receiptItem, TOKEN } from './claimed.ts';
import { fleetItem, sizeItem } from './fleet-items.ts';
import { dated, NOW_MS } from './mocked-aws.ts';
import { anew, OneWorkspace } from './one-workspace.ts';

export const size = sizeItem();
/** The slot of the claim. */
export const slot = { workspaceId: 'ws-1', deadlineMs: NOW_MS + 600_000 };

/** The fleet's item with its brake open. */
export function openBrake(changes: object = {}): Record<string, unknown> {
  return fleetItem({
    brake: 'open',
    openedAtMs: NOW_MS - 1000,
    closesAtMs: NOW_MS + 299_000,
    ...changes,
  });
}

/** The way back after the brake: at its canary, which has not begun. */
export function ramp(changes: object = {}): object {
  return { size: 1, running: [], done: 0, sinceMs: NOW_MS - 1000, ...changes };
}

/** Deaths of as many workspaces, nine seconds ago. */
export function dead(count: number, changes: Partial<Death> = {}): Death[] {
  return Array.from({ length: count }, (_, index) => ({
    workspaceId: `d-${index}`,
    atMs: NOW_MS - 9000,
    ...changes,
  }));
}

/** The receipt of the verdict that led to the claim. */
export function receiptBy(askedBy: string): Record<string, unknown> {
  return receiptItem({ verdictId: TOKEN, verdict: 'dead', askedBy });
}

/** The workspace while its claim asks for admission. */
export function waiting(claim: Partial<Claim> = {}): Workspace {
  return claimed({ step: 'awaiting-admission', ...claim });
}

class BrakeWorld extends OneWorkspace {
  override begin(): void {
    super.begin();
    this.aws.dynamo.on(QueryCommand).resolves({ Items: [], $metadata: dated() });
  }

  /** The sweep, with nothing due but the fleet itself. */
  sweep = () => handleSweep(this.ports);

  /** The claims that were written as admitted. */
  admissions = () => this.claims().filter(({ step }) => step === 'admitted');

  /** The fleet items that were written. */
  written = () =>
    this.puts()
      .map(({ Item }) => Item ?? {})
      .filter((item) => item['sk'] === 'BRAKE');

  ec2Tells = (changes: object): void => {
    this.aws.ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [{ Instances: [{ InstanceId: INSTANCE, State: { Name: 'stopped' }, ...changes }] }],
    });
  };
}

/** Begins anew for each test of a file. */
export function brakeWorld(): BrakeWorld {
  return anew(new BrakeWorld());
}
