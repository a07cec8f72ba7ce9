/**
 * Every order in which the effects of a few invocations can follow each other, each with a death of one of them after
 * any of its effects, or with none. After each the world runs on, calm: it must come to the same kind of end (V11).
 */
import { unfinished } from './oracles/liveness.ts';
import type { Violation } from './oracles/witness.ts';
import { planOf } from './plan.ts';
import { register } from './operators.ts';
import { seeded } from './random.ts';
import { requestOn } from './proxy.ts';
import type { Member } from './truth.ts';
import { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** Brings the world to where it becomes interesting. */
  before(world: World, member: Member): Promise<void>;
  /** Sets the invocations going whose effects are put into every order. */
  start(world: World, member: Member): void;
}

export interface Searched {
  readonly runs: number;
  readonly isWhole: boolean;
  readonly broken: readonly (Violation & { readonly order: readonly string[] })[];
}

/** More than any two invocations have. */
const MOST_EFFECTS = 100;
const REST_MS = 60 * 60_000;

/** Goes through all orders, or through as many as it may. */
export async function searchAll(scenario: Scenario, mostRuns: number): Promise<Searched> {
  const broken: Searched['broken'][number][] = [];
  let runs = 0;
  let choices: number[] | undefined = [];
  while (choices && runs < mostRuns && broken.length === 0) {
    const run: Run = await runOnce(scenario, numbered(choices));
    runs += 1;
    broken.push(...run.violations.map((violation) => ({ ...violation, order: run.order })));
    choices = nextChoices(run.taken);
  }
  return { runs, isWhole: choices === undefined, broken };
}

/** As many orders as wanted, each drawn by chance: for a space that is too large to be gone through. */
export async function searchSome(scenario: Scenario, runs: number, seed: number): Promise<Searched> {
  const random = seeded(seed);
  for (let count = 1; count <= runs; count += 1) {
    const drawn = Array.from({ length: MOST_EFFECTS }, () => random.next());
    const run = await runOnce(scenario, (at, of) => Math.floor((drawn[at] ?? 0) * of));
    if (run.violations.length > 0) {
      const broken = run.violations.map((violation) => ({ ...violation, order: run.order }));
      return { runs: count, isWhole: false, broken };
    }
  }
  return { runs, isWhole: false, broken: [] };
}

interface Choice {
  readonly taken: number;
  readonly of: number;
}
export interface Run {
  readonly taken: readonly Choice[];
  readonly order: readonly string[];
  readonly violations: readonly Violation[];
}

/** The next path in depth-first order; undefined after the last. */
function nextChoices(taken: readonly Choice[]): number[] | undefined {
  const last = taken.findLastIndex((choice) => choice.taken + 1 < choice.of);
  const at = taken[last];
  return at === undefined ? undefined : [...taken.slice(0, last).map((choice) => choice.taken), at.taken + 1];
}

/** Which of `of` ways is taken at a step: the first half of them lets an effect happen, the second half as the last one. */
export type Chooser = (at: number, of: number) => number;

function numbered(choices: readonly number[]): Chooser {
  return (at) => choices[at] ?? 0;
}

export async function runOnce(scenario: Scenario, choose: Chooser): Promise<Run> {
  const { world, member } = await aWorld();
  await scenario.before(world, member);
  const waiting: NonNullable<World['gate']>['waiting'] = [];
  world.gate = { waiting };
  scenario.start(world, member);
  await settle(world, 1000);
  const taken: Choice[] = [];
  const order: string[] = [];
  let hasDied = false;
  while (waiting.length > 0 && world.violations.length === 0) {
    // As long as nobody has died, each effect may be the last one of its invocation.
    const of: number = waiting.length * (hasDied ? 1 : 2);
    const choice = choose(taken.length, of);
    taken.push({ taken: choice, of });
    const dies: boolean = choice >= waiting.length;
    hasDied ||= dies;
    const [step] = waiting.splice(choice % waiting.length, 1);
    order.push(`${step?.who ?? ''} ${step?.what ?? ''}${dies ? ' and dies' : ''}`);
    step?.go(dies);
    await settle(world, waiting.length === 0 ? 1000 : 0);
  }
  world.gate = undefined;
  if (world.violations.length === 0) await rest(world);
  return { taken, order, violations: world.violations };
}

/** Lets all that follows happen, without any time or with a little. */
async function settle(world: World, ms: number): Promise<void> {
  await world.time.runUntil(world.nowMs() + ms);
}

async function aWorld(): Promise<{ world: World; member: Member }> {
  const plan = planOf({ seed: 1, profile: 'calm', minutes: 0, workspaces: 1 });
  const quiet = Object.fromEntries(Object.keys(plan.weights).map((name) => [name, 0])) as typeof plan.weights;
  const settings = { ...plan.settings, settleSeconds: 20, silentAfterSeconds: 60 };
  const world = new World({ ...plan, weights: quiet, settings, callersStay: true }, { keepsLines: false });
  world.isCalm = true;
  const beats = { intervalMs: 30_000, declares: true, leases: false };
  const member: Member = {
    workspaceId: 'ws-1',
    number: 1,
    machine: world.launch('ws-1', beats),
    cutFromProxyUntilMs: 0,
    cutFromDefibUntilMs: 0,
    isRemoved: false,
    lastServedMs: 0,
  };
  world.truth.add(member);
  void register(world, member, 'running');
  await world.time.runUntil(world.nowMs() + 150_000);
  world.queues.isHeld = true;
  return { world, member };
}

/** All that was left lying about is found by redelivery, by the sweep, or by a caller who comes again. */
async function rest(world: World): Promise<void> {
  world.queues.isHeld = false;
  world.queues.pokeAll();
  const sweep = (): void => {
    void world.lambda.invoke('sweep', {});
    world.time.after(60_000, sweep);
  };
  sweep();
  for (const member of world.truth.members) requestOn(world, member);
  const untilMs = world.nowMs() + REST_MS;
  while (unfinished(world).length > 0 && world.nowMs() < untilMs) {
    await world.time.runUntil(world.nowMs() + 20_000, () => world.violations.length > 0);
    if (world.violations.length > 0) return;
  }
  for (const { invariant, what } of unfinished(world))
    world.broken(invariant, `not within the hour: ${what}`);
}
