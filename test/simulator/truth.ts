/** What is so, whoever knows it: the fleet, what was promised, what was seen and done. The oracles judge by this. */
import type { InstanceState } from '../../core/workspace.ts';
import type { Machine } from './machine.ts';

/** A workspace as the world sees it. */
export interface Member {
  readonly workspaceId: string;
  readonly number: number;
  /** Where its agent is meant to be. */
  machine: Machine;
  cutFromProxyUntilMs: number;
  cutFromDefibUntilMs: number;
  /** Removed by an operator, until it is registered again. */
  isRemoved: boolean;
  /** When a proxy last reached it. */
  lastServedMs: number;
}

/** A request that a caller was told to be kept. */
export interface Promised {
  readonly requestId: string;
  readonly workspaceId: string;
  readonly expiresAtMs: number;
  /** When that was said for the first time. */
  readonly atMs: number;
}

/** A copy that has arrived at an agent. */
export interface Copy {
  readonly atMs: number;
  readonly requestId: string;
  readonly key: string;
  readonly bytes: string;
  readonly instanceId: string;
}

/** What a function was told of an instance's state. */
export interface Sight {
  readonly atMs: number;
  readonly fn: string;
  /** The invocation that was told. */
  readonly by: number;
  readonly state: InstanceState | 'unknown';
  readonly launchTimeMs: number;
}

export class Truth {
  readonly members: Member[] = [];
  readonly #byId = new Map<string, Member>();
  readonly machines = new Map<string, Machine>();
  readonly promised = new Map<string, Promised>();
  readonly copies: Copy[] = [];
  /** Requests that have ended, and whose rows have expired since. */
  readonly forgotten = new Set<string>();
  readonly #sights = new Map<string, Sight[]>();
  /** Defib's acts by claim token. */
  readonly acts = new Map<string, { starts: number; stops: number }>();

  add(member: Member): void {
    this.members.push(member);
    this.#byId.set(member.workspaceId, member);
  }

  member(workspaceId: string): Member | undefined {
    return this.#byId.get(workspaceId);
  }

  sightsOf(instanceId: string): readonly Sight[] {
    return this.#sights.get(instanceId) ?? [];
  }

  saw(instanceId: string, sight: Sight): void {
    const sights = this.#sights.get(instanceId);
    if (!sights) this.#sights.set(instanceId, [sight]);
    else {
      sights.push(sight);
      // Nothing older than a few minutes is asked for.
      if (sights.length > 200) sights.splice(0, 100);
    }
  }
}
