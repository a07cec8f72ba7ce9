/** What an oracle may look at, and how it says that something broke. */
import type { Fleet } from '../../../core/brake.ts';
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Policy } from '../../../core/policy.ts';
import type { Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import type { Invocation } from '../invocation.ts';
import type { Truth } from '../truth.ts';

export interface Witness {
  nowMs(): number;
  readonly truth: Truth;
  readonly policy: Policy;
  /** Whether callers go on asking for a workspace that they can't reach. */
  readonly callersStay: boolean;
  /** Who does what is being done. */
  readonly acting: Invocation | undefined;
  /** The item as it is in the table, by nobody's leave. */
  stored(pk: string, sk: string): Item | undefined;
  launchTimeOf(instanceId: string): number | undefined;
  /** Something of V12 has happened. */
  seen(what: string): void;
  /** An invariant is broken. */
  broken(invariant: string, what: string): void;
}

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  readonly atMs: number;
}

/** A request's row as the code has written it: the oracles trust its shape, and look at what it says. */
export function requestIn(item: Item | undefined): ParkedRequest | undefined {
  return item as unknown as ParkedRequest | undefined;
}

/** An item of a workspace that is registered. */
export function workspaceIn(item: Item | undefined): Workspace | undefined {
  return item?.['instanceId'] === undefined ? undefined : (item as unknown as Workspace);
}

export function fleetIn(item: Item | undefined): Fleet | undefined {
  return item as unknown as Fleet | undefined;
}
