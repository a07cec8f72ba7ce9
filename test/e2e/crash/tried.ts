/** One flow with each fault that there is: all must lead to the same end as none. */
import { expect } from 'vitest';
import { endOf, wrongsOf, type End } from './end.ts';
import { kindsAt, Writes, type Fault, type Write } from './faults.ts';
import type { Flow } from './flows.ts';
import { ownTable } from './own-table.ts';
import { VirtualTime } from './virtual-time.ts';
import { World } from './world.ts';
import { ownStack } from '../stacks.ts';

interface Run {
  readonly end: End;
  readonly wrongs: readonly string[];
  readonly writes: readonly Write[];
  readonly copies: number;
  readonly pauseMs: number;
}

/** A delivery that dies, wherever, is followed by another within two minutes. */
const LONGEST_PAUSE_MS = 120_000;

async function run(flow: Flow, { fault, atOnce }: { fault?: Fault; atOnce: number }): Promise<Run> {
  const time = new VirtualTime();
  const writes = new Writes(fault);
  const own = await ownTable(ownStack().info, time, writes);
  try {
    const world = new World(time, writes, own);
    world.atOnce = atOnce;
    await flow.begin(world);
    await world.runToTheEnd();
    const [end, wrongs] = await Promise.all([endOf(world), wrongsOf(world)]);
    // Two at once do not write in the same order each time, so a run may end before the fault's number.
    if (fault && atOnce === 1 && !writes.faultHappened) wrongs.push('the fault did not happen');
    if (world.longestPauseMs > LONGEST_PAUSE_MS)
      wrongs.push(`tried again only after ${world.longestPauseMs / 1000} s`);
    return {
      end,
      wrongs,
      writes: writes.all,
      copies: world.agent.copies.length,
      pauseMs: world.longestPauseMs,
    };
  } finally {
    await own.drop();
  }
}

/** Runs this many at once: the emulator is one process. */
const AT_ONCE = 4;

async function inTurns<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const queue = [...tasks.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** Every fault of a flow, and what was wrong with the end that it led to. */
async function findings(flow: Flow, without: Run, atOnce: number): Promise<string[]> {
  const faults = without.writes.flatMap((write, index) =>
    kindsAt(write).map((kind) => ({ at: index + 1, kind })),
  );
  const found = await inTurns(
    faults.map((fault) => async () => {
      const where = `${fault.kind} at write ${fault.at}, ${without.writes[fault.at - 1]?.name ?? ''}`;
      try {
        return wrongWith(flow, without, await run(flow, { fault, atOnce })).map(
          (wrong) => `${where}: ${wrong}`,
        );
      } catch (error) {
        return [`${where}: ${String(error)}`];
      }
    }),
  );
  return found.flat();
}

function wrongWith(flow: Flow, without: Run, { end, wrongs, copies }: Run): string[] {
  const found = [...wrongs];
  if (JSON.stringify(end.left) !== JSON.stringify(without.end.left))
    found.push(`left: ${JSON.stringify(end.left)}`);
  if (copies > without.copies + 1) found.push(`${copies} copies instead of ${without.copies}`);
  const isAlsoRight = flow.alsoRight?.includes(end.told) ?? false;
  if (!isAlsoRight && JSON.stringify(end) !== JSON.stringify(without.end))
    found.push(`ended as ${JSON.stringify(end)} instead of ${JSON.stringify(without.end)}`);
  return found;
}

export async function tried(flow: Flow, atOnce = 1): Promise<void> {
  const without = await run(flow, { atOnce });
  const writes = without.writes.map((write) => write.name).join(', ');
  process.stdout.write(
    `${flow.name}: ${without.writes.length} writes (${writes}), ends ${without.end.told}\n`,
  );
  expect(without.wrongs).toEqual([]);
  expect(without.end.left).toEqual({ count: 0, bytes: 0, due: 0, waiting: 0 });
  if (atOnce > 1) {
    const alone = await run(flow, { atOnce: 1 });
    expect({ end: without.end, copies: without.copies }).toEqual({ end: alone.end, copies: alone.copies });
  }
  expect(await findings(flow, without, atOnce)).toEqual([]);
}
