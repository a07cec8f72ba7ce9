/** The faults that stand, and the chance that decides whom they hit. */
import type { Ec2Action, FaultOrder } from './fault-order.ts';
import type { LifecycleTimes } from './lifecycle.ts';
import type { StateName } from './states.ts';

type ByAction = Partial<Record<string, number>>;

/** The faults as `GET /faults` shows them. */
export interface Faults {
  readonly probe: Readonly<Record<string, StateName | StateName[]>>;
  readonly throttle: ByAction;
  readonly fail: ByAction;
  readonly loseAnswer: ByAction;
  readonly delayMs: ByAction;
  readonly pendingSeconds: number;
  readonly stoppingSeconds: number;
  readonly noCapacity: readonly string[];
}

const none: Faults = {
  probe: {},
  throttle: {},
  fail: {},
  loseAnswer: {},
  delayMs: {},
  pendingSeconds: 3,
  stoppingSeconds: 3,
  noCapacity: [],
};

export class FaultBook {
  #faults: Faults = none;
  readonly #random: () => number;
  readonly #changed: () => void;

  /** `changed` is told of every order: waiting transitions may be due earlier now. */
  constructor(changed: () => void = () => {}, random: () => number = Math.random) {
    this.#changed = changed;
    this.#random = random;
  }

  get standing(): Faults {
    return this.#faults;
  }

  get times(): LifecycleTimes {
    return this.#faults;
  }

  /** Adds to the standing faults, entry by entry: another instance's or action's fault stays. */
  order(order: FaultOrder): void {
    const { probe, throttle, fail, loseAnswer, delayMs, ...rest } = order;
    const old = this.#faults;
    this.#faults = {
      ...old,
      ...(rest.pendingSeconds === undefined ? {} : { pendingSeconds: rest.pendingSeconds }),
      ...(rest.stoppingSeconds === undefined ? {} : { stoppingSeconds: rest.stoppingSeconds }),
      ...(rest.noCapacity === undefined ? {} : { noCapacity: rest.noCapacity }),
      throttle: { ...old.throttle, ...throttle },
      fail: { ...old.fail, ...fail },
      loseAnswer: { ...old.loseAnswer, ...loseAnswer },
      delayMs: { ...old.delayMs, ...delayMs },
      probe: withoutTheTrue({ ...old.probe, ...probe }),
    };
    this.#changed();
  }

  /** Back to a proxy without faults. */
  clear(): void {
    this.#faults = none;
    this.#changed();
  }

  /** What this call shall see of the instance instead of the truth. Uses up one entry of a list. */
  shownState(instanceId: string): StateName | undefined {
    const shown = this.#faults.probe[instanceId];
    if (!Array.isArray(shown)) return shown;
    const [first, ...later] = shown;
    const probe = withoutTheTrue({ ...this.#faults.probe, [instanceId]: later });
    this.#faults = { ...this.#faults, probe };
    return first;
  }

  strikes(kind: 'throttle' | 'fail' | 'loseAnswer', action: string): boolean {
    // A rate of 1 always strikes: chance is below 1.
    return this.#random() < (this.#faults[kind][action as Ec2Action] ?? 0);
  }

  delayMs(action: string): number {
    return this.#faults.delayMs[action as Ec2Action] ?? 0;
  }

  lacksCapacity(instanceId: string): boolean {
    return this.#faults.noCapacity.includes(instanceId);
  }
}

function withoutTheTrue(probe: Readonly<Record<string, StateName | StateName[] | null>>): Faults['probe'] {
  const lies = Object.entries(probe).filter(([, shown]) => shown !== null && shown.length > 0);
  return Object.fromEntries(lies) as Faults['probe'];
}
