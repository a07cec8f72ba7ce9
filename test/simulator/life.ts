/** The life of one world: it is set up, things go wrong for a while, then it is calm, and all must come to rest. */
import { setGoing } from './happenings.ts';
import { DeadlineOracle } from './oracles/deadlines.ts';
import { unfinished } from './oracles/liveness.ts';
import type { Violation } from './oracles/witness.ts';
import { register, resume, resumeFleet } from './operators.ts';
import { planOf, type PlanOptions } from './plan.ts';
import { requestOn } from './proxy.ts';
import { LONGEST_FREEZE_MS } from './sdk.ts';
import type { TraceLine } from './trace.ts';
import { BEGINS_MS, World } from './world.ts';

export interface Life {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly invocations: number;
  /** Workspaces times the time that they lived. */
  readonly workspaceMs: number;
  readonly violations: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly TraceLine[];
}

const SET_UP_MS = 120_000;
/** The longest wait by any rule: for capacity, an hour from the claim's begin, and then the sweep. */
const CALM_AT_MOST_MS = 110 * 60_000;
const LOOK_EVERY_MS = 20_000;
const SWEEP_EVERY_MS = 60_000;

export async function live(options: PlanOptions, { keepsLines = false } = {}): Promise<Life> {
  const plan = planOf(options);
  const world = new World(plan, { keepsLines });
  const isBroken = (): boolean => world.violations.length > 0;
  if (Object.values(plan.weights).filter((weight) => weight > 0).length >= 5)
    world.seen('five faults at once');
  setUp(world);
  await world.time.runUntil(world.calmAtMs, isBroken);
  if (!isBroken()) {
    world.becomesCalm();
    await rest(world);
  }
  return {
    seed: plan.seed,
    hash: world.trace.hash(),
    steps: world.time.events,
    invocations: world.lambda.invocations,
    workspaceMs: (world.nowMs() - world.leaptMs - BEGINS_MS) * plan.workspaces,
    violations: world.violations,
    counts: world.counts,
    lines: world.trace.lines,
  };
}

function setUp(world: World): void {
  for (let number = 1; number <= world.plan.workspaces; number += 1) {
    const workspaceId = `ws-${number}`;
    const beats = world.plan.beats[number % world.plan.beats.length];
    if (!beats) continue;
    const member = {
      workspaceId,
      number,
      machine: world.launch(workspaceId, beats),
      cutFromProxyUntilMs: 0,
      cutFromDefibUntilMs: 0,
      isRemoved: false,
      lastServedMs: 0,
    };
    world.truth.add(member);
    void register(world, member, 'running');
    world.time.after(world.random.between(0, SET_UP_MS), () => {
      requestOn(world, member);
    });
  }
  sweepOn(world);
  setGoing(world);
}

/** While things go wrong it may come less often than it should; once it is calm, every minute. */
function sweepOn(world: World, minutes = 1): void {
  world.time.after(SWEEP_EVERY_MS, () => {
    if (world.isCalm || (minutes * SWEEP_EVERY_MS) % world.plan.sweepEveryMs === 0) {
      void world.lambda.invoke('sweep', {});
      // EventBridge delivers at least once.
      if (!world.isCalm && world.random.chance(world.weights.calledTwice)) {
        world.seen('sweep twice');
        void world.lambda.invoke('sweep', {});
      }
    }
    sweepOn(world, minutes + 1);
  });
}

/** Lets the calm world run until nothing is left to do. */
async function rest(world: World): Promise<void> {
  const untilMs = world.calmAtMs + CALM_AT_MOST_MS;
  const resumeAll = (): void => {
    for (const member of world.truth.members) void resume(world, member);
    void resumeFleet(world);
  };
  resumeAll();
  // A pause that stood still in its sandbox is made only now: somebody sees it, and lifts it again.
  world.time.after(LONGEST_FREEZE_MS + SWEEP_EVERY_MS, resumeAll);
  const deadlines = new DeadlineOracle(world);
  for (;;) {
    await world.time.runUntil(world.nowMs() + LOOK_EVERY_MS, () => world.violations.length > 0);
    deadlines.look();
    world.oracles.counters.compareAll();
    if (world.violations.length > 0) return;
    const left = [...unfinished(world), ...world.queues.oddOnes(), ...world.oracles.capacity.left()];
    if (left.length === 0) return;
    if (world.nowMs() >= untilMs) {
      for (const { invariant, what } of left)
        world.broken(invariant, `not within ${CALM_AT_MOST_MS / 60_000} minutes of calm: ${what}`);
      return;
    }
  }
}
