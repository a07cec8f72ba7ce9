/** The Lambda service: sandboxes that start, are used again, freeze while idle, and go with an invocation that dies. */
import { timeoutSeconds } from '../../core/timeouts.ts';
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { Handler } from './functions.ts';
import { Invocation } from './invocation.ts';
import type { Random } from './random.ts';
import type { Sandbox } from './sandbox.ts';
import type { Scheduler } from './scheduler.ts';
import type { Weights } from './swarm.ts';
import type { Trace } from './trace.ts';
import { readBy, type Code } from './versions.ts';

/** How an invocation ended, as its caller learns it. */
export type Ended =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'died'; readonly because: 'crash' | 'timeout' };

export interface LambdaWorld {
  readonly random: Random;
  readonly time: Scheduler;
  readonly trace: Trace;
  readonly weights: Weights;
  readonly isCalm: boolean;
  /** The code that is left when it is calm. */
  readonly deployEnds: Code;
  seen(what: string): void;
  /** An invocation has thrown: Lambda takes that as a failure of the whole. */
  threw(invocation: Invocation): void;
}

interface Warm {
  readonly sandbox: Sandbox;
  readonly handle: Handler;
}

/** Idle for longer, and a sandbox has surely been frozen. */
const FROZEN_AFTER_MS = 20_000;

export class Lambda {
  readonly #world: LambdaWorld;
  readonly #start: (sandbox: Sandbox) => Handler;
  readonly #idle = new Map<FunctionName, Warm[]>();
  #sandboxes = 0;
  #invocations = 0;
  #running = 0;

  constructor(world: LambdaWorld, start: (sandbox: Sandbox) => Handler) {
    this.#world = world;
    this.#start = start;
  }

  get invocations(): number {
    return this.#invocations;
  }

  /** How many run at this moment, or are about to. */
  get running(): number {
    return this.#running;
  }

  /** Forgets all idle sandboxes: the next ones have right clocks when the world is calm. */
  recycle(): void {
    this.#idle.clear();
  }

  invoke(fn: FunctionName, event: unknown): Promise<Ended> {
    const { time, random } = this.#world;
    this.#invocations += 1;
    const number = this.#invocations;
    this.#running += 1;
    return new Promise<Ended>((resolve) => {
      const warm = this.#idle.get(fn)?.pop();
      const startMs = warm ? random.between(1, 5) : random.between(100, 400);
      time.after(startMs, () => {
        this.#run(warm ?? this.#cold(fn), number, event, (ended) => {
          this.#running -= 1;
          resolve(ended);
        });
      });
    });
  }

  #run({ sandbox, handle }: Warm, number: number, event: unknown, resolve: (ended: Ended) => void): void {
    const { time, trace } = this.#world;
    const { fn } = sandbox;
    const timeoutMs = timeoutSeconds[fn] * 1000;
    this.#thaw(sandbox);
    const invocation = new Invocation(
      time,
      { name: fn, number, code: sandbox.code, timeoutMs, event },
      (because) => {
        trace.step(time.nowMs(), `${fn}#${number}`, because);
        this.#world.seen(`invocation ${because}`);
        resolve({ kind: 'died', because });
      },
    );
    sandbox.invocation = invocation;
    const ends = (ended: Ended): void => {
      if (invocation.hasEnded) return;
      invocation.hasEnded = true;
      sandbox.invocation = undefined;
      sandbox.idleSinceMs = time.nowMs();
      resolve(ended);
      const { isCalm, deployEnds } = this.#world;
      if (isCalm && (sandbox.skewMs !== 0 || sandbox.code !== deployEnds)) return;
      const idle = this.#idle.get(fn);
      if (idle) idle.push({ sandbox, handle });
      else this.#idle.set(fn, [{ sandbox, handle }]);
    };
    handle(readBy(sandbox.code, event)).then(
      (value) => {
        ends({ kind: 'returned', value });
      },
      (error: unknown) => {
        trace.step(time.nowMs(), `${fn}#${number}`, `threw ${(error as Error).name}`);
        if (!invocation.hasEnded) this.#world.threw(invocation);
        ends({ kind: 'threw', error });
      },
    );
  }

  #cold(fn: FunctionName): Warm {
    this.#sandboxes += 1;
    const { time } = this.#world;
    const sandbox: Sandbox = {
      fn,
      number: this.#sandboxes,
      code: this.#code(),
      skewMs: this.#skewMs(),
      lag: undefined,
      invocation: undefined,
      idleSinceMs: time.nowMs(),
    };
    return { sandbox, handle: this.#start(sandbox) };
  }

  /** While a deploy goes on; when it is calm it has come to its end, or was taken back. */
  #code(): Code {
    const { random, weights, isCalm } = this.#world;
    if (isCalm) return this.#world.deployEnds;
    if (random.chance(weights.newerCode)) return 'newer';
    return random.chance(weights.olderCode) ? 'older' : 'this';
  }

  #skewMs(): number {
    const { random, weights, isCalm } = this.#world;
    if (isCalm) return 0;
    const sign = random.chance(0.5) ? 1 : -1;
    if (random.chance(weights.skewed)) {
      this.#world.seen('clock skewed');
      return sign * random.between(5000, 300_000);
    }
    return random.chance(weights.slightlySkewed) ? sign * random.between(1, 5000) : 0;
  }

  /** A sandbox that thaws may show the time at which it froze, for a moment. */
  #thaw(sandbox: Sandbox): void {
    const { random, time, weights, isCalm } = this.#world;
    sandbox.lag = undefined;
    if (isCalm || time.nowMs() - sandbox.idleSinceMs < FROZEN_AFTER_MS || !random.chance(weights.thawLag))
      return;
    this.#world.seen('clock lags after a thaw');
    sandbox.lag = { shownMs: sandbox.idleSinceMs, untilMs: time.nowMs() + random.between(1, 3000) };
  }
}
