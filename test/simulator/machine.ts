/** The truth about one instance and the agent on it. Defib sees none of this but by EC2's word, beats and answers. */
import type { InstanceState } from '../../core/workspace.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * `gone`: the process has died and nothing starts it again, while its instance runs. `hung`: it takes connections and
 * answers nothing, and does not beat. `starved`: it beats, and misses deadlines.
 */
export type AgentState = 'off' | 'booting' | 'up' | 'hung' | 'starved' | 'gone';

export interface BeatOptions {
  readonly intervalMs: number;
  /** Whether the agent says how often it beats. */
  readonly declares: boolean;
  /** It holds a lease while it works, and does not beat meanwhile. */
  readonly leases: boolean;
}

export interface MachineWorld {
  readonly random: Random;
  readonly time: Scheduler;
  isCalm: boolean;
  /** A beat leaves the machine. */
  beat(machine: Machine): void;
  note(who: string, what: string): void;
  nextBootId(): string;
}

export class Machine {
  readonly instanceId: string;
  readonly workspaceId: string;
  readonly beats: BeatOptions;
  instance: InstanceState = 'stopped';
  agent: AgentState = 'off';
  bootId = '';
  seq = 0;
  activeTasks = 0;
  busyUntilMs = 0;
  /** Since when no agent lives on it. */
  deadSinceMs = 0;
  readonly #world: MachineWorld;

  constructor(world: MachineWorld, about: { instanceId: string; workspaceId: string; beats: BeatOptions }) {
    this.#world = world;
    this.instanceId = about.instanceId;
    this.workspaceId = about.workspaceId;
    this.beats = about.beats;
  }

  /** Whether somebody lives there: what a Stop would harm. */
  get isAlive(): boolean {
    return this.agent === 'up' || this.agent === 'starved';
  }

  /** EC2 has moved the instance to that state. */
  becomes(state: InstanceState): void {
    if (state === this.instance) return;
    this.instance = state;
    this.#world.note(this.workspaceId, `instance ${this.instanceId} is ${state}`);
    if (state === 'running') this.boot(this.#world.random.between(2000, 25_000));
    else if (this.agent !== 'off') this.ends('off');
  }

  /** The process starts, and is up after a while, as a new boot. */
  boot(afterMs: number): void {
    if (this.agent !== 'booting') this.ends('booting');
    const bootId = this.#world.nextBootId();
    this.bootId = bootId;
    this.#world.time.after(afterMs, () => {
      if (this.bootId !== bootId || this.agent !== 'booting') return;
      this.agent = 'up';
      this.seq = 0;
      this.#world.note(this.workspaceId, `agent ${bootId} is up`);
      this.#beatOn(bootId);
    });
  }

  /** The process is no more, or no more what it was. */
  ends(as: 'off' | 'gone' | 'booting'): void {
    if (this.isAlive || this.agent === 'hung') this.deadSinceMs = this.#world.time.nowMs();
    this.agent = as;
    this.activeTasks = 0;
    this.busyUntilMs = 0;
    this.#world.note(this.workspaceId, `agent ${this.bootId} is ${as}`);
  }

  /** What it is while it lives. */
  feels(as: 'up' | 'hung' | 'starved'): void {
    if (!this.isAlive && this.agent !== 'hung') return;
    if (as === 'hung') this.deadSinceMs = this.#world.time.nowMs();
    this.agent = as;
    this.#world.note(this.workspaceId, `agent ${this.bootId} is ${as}`);
  }

  #beatOn(bootId: string): void {
    if (this.bootId !== bootId || this.agent === 'off' || this.agent === 'gone') return;
    const nowMs = this.#world.time.nowMs();
    const keepsStill =
      this.beats.leases && this.seq > 0 && nowMs < this.busyUntilMs - 2 * this.beats.intervalMs;
    if (this.isAlive && !keepsStill) {
      this.seq += 1;
      this.#world.beat(this);
    }
    const { intervalMs } = this.beats;
    this.#world.time.after(intervalMs - this.#world.random.between(0, intervalMs / 20), () => {
      this.#beatOn(bootId);
    });
  }
}
