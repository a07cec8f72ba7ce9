/**
 * The life of every instance as a caller of EC2 sees it: `pending` before `running`, `stopping` before `stopped`,
 * and refusals in between. Knows no clock: each call says what time it is.
 *
 *   launch -> pending -> running -> stopping -> stopped -> pending -> ...
 *   terminate, from anywhere -> shutting-down -> terminated
 */
import { incorrectState, insufficientCapacity, type Refusal } from './refusals.ts';
import type { StateName } from './states.ts';

/** How long the states that pass by themselves last. */
export interface LifecycleTimes {
  readonly pendingSeconds: number;
  readonly stoppingSeconds: number;
}

export interface StateChange {
  readonly instanceId: string;
  readonly state: StateName;
  readonly at: Date;
}

export interface InstanceLife {
  readonly state: StateName;
  /** When it came into this state, epoch ms. */
  readonly sinceMs: number;
  readonly launchedAtMs: number;
  /** EC2's StateTransitionReason; empty while up. */
  readonly transitionReason: string;
  /** EC2's StateReason, where it has one. */
  readonly stateReason?: { readonly code: string; readonly message: string };
}

/** What one Start, Stop or Terminate did to one instance. */
export interface Move {
  readonly instanceId: string;
  readonly previous: StateName;
  readonly current: StateName;
}

export type Outcome = { readonly moves: readonly Move[] } | { readonly refusal: Refusal };

const next: Partial<Record<StateName, StateName>> = {
  pending: 'running',
  stopping: 'stopped',
  'shutting-down': 'terminated',
};

export class Lifecycle {
  readonly #lives = new Map<string, InstanceLife>();
  readonly #times: () => LifecycleTimes;
  readonly #announce: (change: StateChange) => void;

  /** The times are asked for anew each time, so that an order to shorten them frees who waits already. */
  constructor(times: () => LifecycleTimes, announce: (change: StateChange) => void) {
    this.#times = times;
    this.#announce = announce;
  }

  lifeOf(instanceId: string): InstanceLife | undefined {
    return this.#lives.get(instanceId);
  }

  /** Takes in an instance that was made behind the proxy's back, in the state it has there. */
  adopt(instanceId: string, state: StateName, launchedAtMs: number): InstanceLife {
    const life = { state, sinceMs: launchedAtMs, launchedAtMs, transitionReason: '' };
    this.#lives.set(instanceId, life);
    return life;
  }

  launch(instanceId: string, nowMs: number): void {
    this.#enter(instanceId, { state: 'pending', sinceMs: nowMs, launchedAtMs: nowMs, transitionReason: '' });
  }

  /** All or none, like EC2: one instance that cannot be started fails the call. */
  start(
    instanceIds: readonly string[],
    nowMs: number,
    lacksCapacity: (instanceId: string) => boolean,
  ): Outcome {
    const refused = instanceIds.flatMap((id): Refusal[] => {
      const state = this.#stateOf(id);
      if (state === 'stopping' || state === 'shutting-down' || state === 'terminated') {
        return [incorrectState(id, 'started', state)];
      }
      return state === 'stopped' && lacksCapacity(id) ? [insufficientCapacity] : [];
    });
    if (refused[0]) return { refusal: refused[0] };
    return this.#move(instanceIds, (id, life) => {
      if (life.state === 'stopped') this.launch(id, nowMs);
    });
  }

  /** A pending instance cannot be stopped: EC2 refuses while it has never been running. */
  stop(instanceIds: readonly string[], nowMs: number): Outcome {
    const refused = instanceIds.flatMap((id): Refusal[] => {
      const state = this.#stateOf(id);
      const legal = state === 'running' || state === 'stopping' || state === 'stopped';
      return legal ? [] : [incorrectState(id, 'stopped', state)];
    });
    if (refused[0]) return { refusal: refused[0] };
    return this.#move(instanceIds, (id, life) => {
      if (life.state === 'running') this.#enter(id, { ...life, ...broughtDownByUser('stopping', nowMs) });
    });
  }

  terminate(instanceIds: readonly string[], nowMs: number): Outcome {
    return this.#move(instanceIds, (id, life) => {
      if (life.state === 'shutting-down' || life.state === 'terminated') return;
      this.#enter(id, { ...life, ...broughtDownByUser('shutting-down', nowMs) });
    });
  }

  /** Ends every passing state whose time is up. */
  advance(nowMs: number): void {
    for (const [instanceId, life] of this.#lives) {
      const state = next[life.state];
      const dueMs = this.#dueOf(life);
      if (state === undefined || dueMs === undefined || dueMs > nowMs) continue;
      this.#enter(instanceId, { ...life, state, sinceMs: dueMs });
    }
  }

  /** When the next passing state ends, epoch ms. */
  nextDueMs(): number | undefined {
    const due = [...this.#lives.values()].flatMap((life) => this.#dueOf(life) ?? []);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  #dueOf(life: InstanceLife): number | undefined {
    if (next[life.state] === undefined) return undefined;
    const { pendingSeconds, stoppingSeconds } = this.#times();
    return life.sinceMs + (life.state === 'pending' ? pendingSeconds : stoppingSeconds) * 1000;
  }

  #stateOf(instanceId: string): StateName {
    return this.#known(instanceId).state;
  }

  #known(instanceId: string): InstanceLife {
    const life = this.#lives.get(instanceId);
    if (!life) throw new Error(`The lifecycle was asked for ${instanceId} before it was taken in.`);
    return life;
  }

  #move(instanceIds: readonly string[], act: (instanceId: string, life: InstanceLife) => void): Outcome {
    const moves = instanceIds.map((instanceId) => {
      const before = this.#known(instanceId);
      act(instanceId, before);
      return { instanceId, previous: before.state, current: this.#stateOf(instanceId) };
    });
    return { moves };
  }

  #enter(instanceId: string, life: InstanceLife): void {
    this.#lives.set(instanceId, life);
    this.#announce({ instanceId, state: life.state, at: new Date(life.sinceMs) });
  }
}

function broughtDownByUser(state: StateName, nowMs: number): Omit<InstanceLife, 'launchedAtMs'> {
  const when = new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ');
  return {
    state,
    sinceMs: nowMs,
    transitionReason: `User initiated (${when} GMT)`,
    stateReason: {
      code: 'Client.UserInitiatedShutdown',
      message: 'Client.UserInitiatedShutdown: User initiated shutdown',
    },
  };
}
