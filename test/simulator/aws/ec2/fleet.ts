/**
 * The instances of an account and the changes that come by themselves:
 *
 *   pending -> running -> stopping -> stopped -> (Start) pending ...
 *   any of them -> shutting-down -> terminated -> no longer shown
 *
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
 */
import { noSuchInstance, wrongState } from './errors.ts';
import { transitionReason, type Instance, type InstanceSpec, type Shown, type State } from './instance.ts';

/** How long an instance stays in a state that passes, in ms; Infinity where it is stuck. */
export interface Durations {
  readonly pendingMs: (id: string) => number;
  readonly stoppingMs: (id: string) => number;
  readonly shuttingDownMs: (id: string) => number;
  /** How long a terminated instance is still shown. */
  readonly terminatedMs: (id: string) => number;
}

const usual: Durations = {
  pendingMs: () => 15_000,
  stoppingMs: () => 20_000,
  shuttingDownMs: () => 10_000,
  // "a short while", of about an hour.
  terminatedMs: () => 3_600_000,
};

export interface FleetOptions {
  readonly nowMs: () => number;
  readonly durations?: Partial<Durations>;
  /** How long what an instance was can still be seen, in ms. @default 0 */
  readonly keptMs?: number;
  /** Told of each change of a state, at the time of the change. */
  readonly onState?: (id: string, state: State, atMs: number) => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #durations: Durations;
  readonly #instances = new Map<string, Instance>();
  #launches = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#durations = { ...usual, ...options.durations };
  }

  /** Starts a new instance; `state` skips the way to it. */
  launch(spec: InstanceSpec, state: 'pending' | 'running' | 'stopped' = 'pending'): void {
    const nowMs = this.#options.nowMs();
    const now = this.#launched(state, nowMs);
    const instance: Instance = { spec, tags: { ...spec.tags }, now, past: [], coming: undefined };
    instance.past.push({ untilMs: nowMs, shown: undefined });
    this.#instances.set(spec.id, instance);
    this.#enter(instance, now, nowMs);
  }

  /** All that EC2 knows now, after every change that was due. */
  all(): Instance[] {
    this.advance();
    return [...this.#instances.values()];
  }

  get(id: string): Instance {
    this.advance();
    const instance = this.#instances.get(id);
    if (!instance) throw noSuchInstance(id);
    return instance;
  }

  /** Starts a stopped instance. One that runs is left as it is. */
  start(id: string): State {
    const instance = this.get(id);
    const { state } = instance.now;
    if (state === 'pending' || state === 'running') return state;
    if (state !== 'stopped') throw wrongState(id, 'started');
    const nowMs = this.#options.nowMs();
    this.#change(instance, this.#launched('pending', nowMs), nowMs);
    return state;
  }

  /** Stops a running instance. One that is stopped, or about to be, is left as it is. */
  stop(id: string): State {
    const instance = this.get(id);
    const { state } = instance.now;
    if (state === 'stopping' || state === 'stopped') return state;
    // An instance may be stopped while it is pending, or may not: who relies on the refusal is wrong (E10).
    if (state === 'terminated' || state === 'shutting-down') throw wrongState(id, 'stopped');
    this.#fall(instance, 'stopping', { code: 'Client.UserInitiatedShutdown', who: 'User initiated' });
    return state;
  }

  terminate(id: string): State {
    const instance = this.get(id);
    const { state } = instance.now;
    if (state === 'terminated' || state === 'shutting-down') return state;
    this.#fall(instance, 'shutting-down', { code: 'Client.UserInitiatedShutdown', who: 'User initiated' });
    return state;
  }

  /** The instance goes down by itself: a shutdown from inside, a scheduled stop, no capacity. */
  fall(id: string, code: string, to: 'stopping' | 'stopped' | 'shutting-down' = 'stopping'): void {
    const instance = this.get(id);
    this.#fall(instance, to, { code, who: code.startsWith('Server.') ? code : 'User initiated' });
  }

  /** What is stuck goes on. */
  release(id: string, afterMs = 0): void {
    const instance = this.get(id);
    if (!instance.coming) this.#plan(instance, instance.now, this.#options.nowMs() + afterMs);
  }

  /** When the next change comes by itself; undefined when none will. */
  nextChangeAtMs(): number | undefined {
    let nextMs: number | undefined;
    for (const { coming } of this.#instances.values()) {
      if (coming && (nextMs === undefined || coming.atMs < nextMs)) nextMs = coming.atMs;
    }
    return nextMs;
  }

  /** Makes every change whose time has come, in the order of time. */
  advance(): void {
    const nowMs = this.#options.nowMs();
    for (
      let next = this.nextChangeAtMs();
      next !== undefined && next <= nowMs;
      next = this.nextChangeAtMs()
    ) {
      for (const instance of this.#instances.values()) {
        const { coming } = instance;
        if (coming?.atMs !== next) continue;
        instance.coming = undefined;
        if (coming.shown === 'gone') this.#instances.delete(instance.spec.id);
        else this.#change(instance, coming.shown, next);
      }
    }
  }

  #fall(instance: Instance, to: State, why: { code: string; who: string }): void {
    const nowMs = this.#options.nowMs();
    const shown: Shown = {
      ...instance.now,
      state: to,
      transitionReason: transitionReason(why.who, nowMs),
      stateReason: { code: why.code, message: why.code },
      publicIp: undefined,
    };
    this.#change(instance, shown, nowMs);
  }

  #change(instance: Instance, shown: Shown, atMs: number): void {
    const keptMs = this.#options.keptMs ?? 0;
    if (keptMs > 0) instance.past.push({ untilMs: atMs, shown: instance.now });
    while ((instance.past[0]?.untilMs ?? Infinity) < atMs - keptMs) instance.past.shift();
    instance.now = shown;
    this.#enter(instance, shown, atMs);
  }

  #enter(instance: Instance, shown: Shown, atMs: number): void {
    const { id } = instance.spec;
    instance.coming = undefined;
    switch (shown.state) {
      case 'pending':
        this.#plan(instance, shown, atMs + this.#durations.pendingMs(id));
        break;
      case 'stopping':
        this.#plan(instance, shown, atMs + this.#durations.stoppingMs(id));
        break;
      case 'shutting-down':
        this.#plan(instance, shown, atMs + this.#durations.shuttingDownMs(id));
        break;
      case 'terminated':
        this.#plan(instance, shown, atMs + this.#durations.terminatedMs(id));
        break;
      case 'running':
      case 'stopped':
        break;
    }
    this.#options.onState?.(id, shown.state, atMs);
  }

  #plan(instance: Instance, shown: Shown, atMs: number): void {
    if (atMs === Infinity) return;
    const next = nextOf[shown.state];
    if (next === undefined) return;
    instance.coming = { atMs, shown: next === 'gone' ? next : { ...shown, state: next } };
  }

  #launched(state: State, launchTimeMs: number): Shown {
    const count = (this.#launches += 1);
    return {
      state,
      launchTimeMs: Math.floor(launchTimeMs / 1000) * 1000,
      transitionReason: '',
      stateReason: undefined,
      // A new one at each start.
      publicIp: `203.0.${(count >> 8) & 255}.${count & 255}`,
    };
  }
}

const nextOf: Readonly<Record<State, State | 'gone' | undefined>> = {
  pending: 'running',
  running: undefined,
  stopping: 'stopped',
  stopped: undefined,
  'shutting-down': 'terminated',
  terminated: 'gone',
};
