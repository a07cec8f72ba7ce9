/**
 * Small races: two or three invocations at once over one workspace (two copies are two), which of them and in what order fast-check chooses,
 * with the death of one in the middle where it likes. What breaks is shrunk: to the fewest invocations, and to the order
 * that is nearest to one after the other. The oracles are the simulator's (S1 to S38), and all must come to rest (V11).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runOnce, type Chooser, type Scenario } from '../simulator/interleavings.ts';
import { copies, pass, report, silent, step, suspected } from '../simulator/interleaved.ts';
import * as operators from '../simulator/operators.ts';
import type { Member } from '../simulator/truth.ts';
import type { World } from '../simulator/world.ts';

const isLong = process.env['DEFIB_FUZZ'] === 'long';
const runs = isLong ? 5000 : 300;

type Move = (world: World, member: Member) => void;

/** Where the workspace is when the race begins. */
const beginnings: Readonly<Record<string, Scenario['before']>> = {
  suspected,
  silent,
  claimed: async (world, member) => {
    await suspected(world, member);
    await step(world, 'reprobe');
  },
  'claimed as silent': async (world, member) => {
    await silent(world, member);
    await step(world, 'reprobe');
  },
  admitted: async (world, member) => {
    await suspected(world, member);
    await step(world, 'reprobe');
    await step(world, 'restart');
  },
  'admitted as silent': async (world, member) => {
    await silent(world, member);
    await step(world, 'reprobe');
    await step(world, 'restart');
  },
  waiting: async (world, member) => {
    member.machine.feels('hung');
    const request = { id: 'request-1', method: 'POST', path: '/a2a', expiresInSeconds: 600 };
    await report(world, member, 'deadline', request);
    member.machine.feels('up');
    await pass(world, 3000);
    await step(world, 'parked');
  },
};

/** Who takes part. */
const moves: Readonly<Record<string, Move>> = {
  'a caller': (world, member) => void report(world, member, 'refused'),
  'a second look': (world) => {
    copies(world, 'reprobe', 1);
  },
  'two copies of a second look': (world) => {
    copies(world, 'reprobe');
  },
  'a step of the restart': (world) => {
    copies(world, 'restart', 1);
  },
  'two copies of a step': (world) => {
    copies(world, 'restart');
  },
  'two copies of a delivery': (world) => {
    copies(world, 'deliveries');
  },
  'a beat': (world, { machine }) => {
    if (machine.agent === 'gone') machine.boot(0);
    else machine.seq += 1;
    world.beat(machine);
  },
  'a sweep': (world) => void world.lambda.invoke('sweep', {}),
  'a pause': (world, member) => void operators.pause(world, member),
  'an order': (world, member) => void operators.order(world, member, false),
  'another instance': (world, member) => void operators.replace(world, member),
};

const race = fc.record({
  from: fc.constantFrom(...Object.keys(beginnings)),
  who: fc.uniqueArray(fc.constantFrom(...Object.keys(moves)), { minLength: 1, maxLength: 3 }),
  /** Which of those that wait goes next: 0, the one that has waited longest. */
  order: fc.array(fc.nat({ max: 5 }), { maxLength: 60 }),
  /** The effect that is the last one of its invocation. */
  death: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
});
type Race = typeof race extends fc.Arbitrary<infer Value> ? Value : never;

function scenarioOf({ from, who }: Race): Scenario {
  const before = beginnings[from];
  if (!before) throw new Error(`no such beginning: ${from}`);
  return {
    name: `${from}: ${who.join(', ')}`,
    before,
    start(world, member) {
      for (const each of who) moves[each]?.(world, member);
    },
  };
}

function chooserOf({ order, death }: Race): Chooser {
  let hasDied = false;
  return (at, of) => {
    const waiting = hasDied ? of : of / 2;
    const dies = !hasDied && at === death;
    hasDied ||= dies;
    return ((order[at] ?? 0) % waiting) + (dies ? waiting : 0);
  };
}

describe('a race of two or three', () => {
  it(
    `of any who may meet, in any order, one of them dying anywhere - nothing breaks (${runs} races)`,
    async () => {
      await fc.assert(
        fc.asyncProperty(race, async (drawn) => {
          const { violations, order } = await runOnce(scenarioOf(drawn), chooserOf(drawn));
          const found = violations.map(({ invariant, what }) => `${invariant}: ${what}`);
          expect(found, order.join('\n')).toEqual([]);
        }),
        { numRuns: runs, ...(!isLong && { seed: 20_261_124 }) },
      );
    },
    isLong ? 1_800_000 : 120_000,
  );
});
